/**
 * Dates and times without `Date` arithmetic on what is stored: microseconds survive, naive values
 * are never shifted, aware ones are shown in a zone and written in UTC.
 */

const DATE_TIME =
  /^(\d{4,6})-(\d{2})-(\d{2})[T ](\d{2}:\d{2}(?::\d{2}(?:[.,]\d{1,6})?)?)(Z|[+-]\d{2}:?\d{2}(?::?\d{2})?)?$/i
const TIME = /^([01]?\d|2[0-3]):([0-5]\d)(?::([0-5]\d)(?:[.,](\d{1,6}))?)?\s*(Z|[+-]\d{2}:\d{2})?$/i

/** A wall clock reading: `2024-02-29` and `13:05:00.000001`. */
export interface Wall {
  date: string
  time: string
}

/** A typed time as `HH:MM:SS[.ffffff][offset]`; null if it is none. */
export function readTime(text: string): string | null {
  const found = TIME.exec(text.trim())
  if (!found) return null
  const [, hour = "", minute, second = "00", fraction, offset = ""] = found
  return `${hour.padStart(2, "0")}:${minute}:${second}${fraction ? `.${fraction}` : ""}${offset.toUpperCase()}`
}

/** Date and time of a stored value as they are written, offset left off; null if it is unreadable. */
export function splitInstant(value: string): (Wall & { offset: string }) | null {
  const found = DATE_TIME.exec(value.trim())
  if (!found) return null
  const [, year, month, day, time = "", offset = ""] = found
  return { date: `${year}-${month}-${day}`, time: readTime(time) ?? time, offset }
}

/** Minutes east of UTC that an offset like `+05:30` means. */
export function offsetMinutes(offset: string): number {
  const found = /^([+-])(\d{2}):?(\d{2})/.exec(offset)
  if (!found) return 0
  const minutes = Number(found[2]) * 60 + Number(found[3])
  return found[1] === "-" ? -minutes : minutes
}

/** An offset as text: 330 is `+05:30`. */
export function offsetText(minutes: number): string {
  const size = Math.abs(minutes)
  const two = (part: number): string => String(part).padStart(2, "0")
  return `${minutes < 0 ? "-" : "+"}${two(Math.floor(size / 60))}:${two(Math.floor(size % 60))}`
}

/** A reading moved by minutes; the seconds and their fraction stay as they are. */
function moved(wall: Wall, minutes: number): Wall | null {
  const [hour = "0", minute = "0", ...rest] = wall.time.split(":")
  const [year = "0", month = "1", day = "1"] = wall.date.split("-")
  const moment = new Date(0)
  moment.setUTCFullYear(Number(year), Number(month) - 1, Number(day))
  moment.setUTCHours(Number(hour), Number(minute) + minutes)
  const shifted = moment.getUTCFullYear()
  if (Number.isNaN(shifted) || shifted < 1 || shifted > 9999) return null
  const iso = moment.toISOString()
  return { date: iso.slice(0, 10), time: [iso.slice(11, 13), iso.slice(14, 16), ...rest].join(":") }
}

/** Minutes east of UTC that a zone has at a reading of the UTC clock. */
function offsetAt(utc: Wall, zone: string): number {
  const moment = new Date(`${utc.date}T${utc.time.slice(0, 8).padEnd(8, ":00")}Z`)
  const fields: Record<string, number> = {}
  const format = new Intl.DateTimeFormat("en-US-u-ca-gregory-nu-latn", {
    timeZone: zone,
    hourCycle: "h23",
    year: "numeric",
    month: "numeric",
    day: "numeric",
    hour: "numeric",
    minute: "numeric",
    second: "numeric",
  })
  for (const part of format.formatToParts(moment)) fields[part.type] = Number(part.value)
  const local = new Date(0)
  local.setUTCFullYear(fields["year"] ?? 0, (fields["month"] ?? 1) - 1, fields["day"] ?? 1)
  local.setUTCHours(fields["hour"] ?? 0, fields["minute"] ?? 0, fields["second"] ?? 0)
  return Math.round((local.getTime() - moment.getTime()) / 60_000)
}

/** The zone that a configured name means: `browser` is the reader's own. */
export function zoneNamed(name: string): string {
  return name === "browser" ? Intl.DateTimeFormat().resolvedOptions().timeZone : name
}

/** A stored aware value as the clock of a zone reads, with the offset there. */
export function inZone(value: string, zone: string): (Wall & { offset: number }) | null {
  const written = splitInstant(value)
  const utc = written && moved(written, -offsetMinutes(written.offset))
  if (!utc) return null
  const offset = offsetAt(utc, zone)
  const wall = moved(utc, offset)
  return wall && { ...wall, offset }
}

/** The offsets a zone's clock may have at a reading: none in a gap, two when it is set back. */
export function offsetsOf(wall: Wall, zone: string): number[] {
  const found = new Set<number>()
  for (const hours of [-26, -1, 1, 26]) {
    const near = moved(wall, hours * 60)
    if (near) found.add(offsetAt(near, zone))
  }
  return [...found]
    .filter((offset) => {
      const utc = moved(wall, -offset)
      return utc !== null && offsetAt(utc, zone) === offset
    })
    .sort((left, right) => right - left)
}

/** A reading of a zone's clock as stored: UTC with `+00:00`. */
export function toUtc(wall: Wall, offset: number): string | null {
  const utc = moved(wall, -offset)
  return utc && `${utc.date}T${utc.time}+00:00`
}
