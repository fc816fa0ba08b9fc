/** Durations: ISO 8601 as the server writes them, and the shorter ways people type them. */

const UNITS = ["day", "hour", "minute", "second"] as const
export type Unit = (typeof UNITS)[number]
const MICROSECONDS: Record<Unit, bigint> = {
  day: 86_400_000_000n,
  hour: 3_600_000_000n,
  minute: 60_000_000n,
  second: 1_000_000n,
}

const ISO = /^([+-]?)P(?:(\d+)W)?(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:[.,]\d{1,6})?)S)?)?$/i
const CLOCK = /^(-?)(?:(\d+)\s*d[a-z]*,?\s+)?(\d+):([0-5]?\d)(?::([0-5]?\d(?:[.,]\d{1,6})?))?$/i
const WORDS =
  /^(-?)(?:(\d+)\s*w)?\s*(?:(\d+)\s*d)?\s*(?:(\d+)\s*h)?\s*(?:(\d+)\s*m(?:in)?)?\s*(?:(\d+(?:[.,]\d{1,6})?)\s*s)?$/i

/** The microseconds of a typed or stored duration; null if it is none. */
export function readDuration(text: string): bigint | null {
  const trimmed = text.trim()
  const clock = CLOCK.exec(trimmed)
  if (clock) {
    const [, sign, days, hours, minutes, seconds] = clock
    return total(sign, undefined, days, hours, minutes, seconds)
  }
  const found = ISO.exec(trimmed) ?? WORDS.exec(trimmed)
  if (!found || !/\d/.test(trimmed) || /T$/i.test(trimmed)) return null
  const [, sign, weeks, days, hours, minutes, seconds] = found
  return total(sign, weeks, days, hours, minutes, seconds)
}

function total(sign?: string, weeks = "0", days = "0", hours = "0", minutes = "0", seconds = "0"): bigint {
  const [whole = "0", fraction = ""] = seconds.replace(",", ".").split(".")
  const sum =
    (BigInt(weeks) * 7n + BigInt(days)) * MICROSECONDS.day +
    BigInt(hours) * MICROSECONDS.hour +
    BigInt(minutes) * MICROSECONDS.minute +
    BigInt(whole) * MICROSECONDS.second +
    BigInt(fraction.padEnd(6, "0"))
  return sign === "-" ? -sum : sum
}

/** Days, hours, minutes and seconds of a number of microseconds, without its sign. */
export function parts(microseconds: bigint): Record<Unit, string> {
  let rest = microseconds < 0n ? -microseconds : microseconds
  const out: Record<Unit, string> = { day: "0", hour: "0", minute: "0", second: "0" }
  for (const unit of UNITS) {
    out[unit] = String(rest / MICROSECONDS[unit])
    rest %= MICROSECONDS[unit]
  }
  if (rest) out.second += `.${String(rest).padStart(6, "0").replace(/0+$/, "")}`
  return out
}

/** ISO 8601, in the shortest form of days and smaller. */
export function isoDuration(microseconds: bigint): string {
  const { day, hour, minute, second } = parts(microseconds)
  const time = [
    [hour, "H"],
    [minute, "M"],
    [second, "S"],
  ].filter(([amount]) => amount !== "0")
  const clock = time.map(([amount, letter]) => `${amount}${letter}`).join("")
  const body = (day === "0" ? "" : `${day}D`) + (clock ? `T${clock}` : "")
  return `${microseconds < 0n ? "-" : ""}P${body || "T0S"}`
}

/** In words of the language: "1 day, 2 hr". */
export function spokenDuration(microseconds: bigint, locale: string): string {
  const amounts = parts(microseconds)
  const used = UNITS.filter((unit) => amounts[unit] !== "0")
  const words = (used.length ? used : (["second"] as const)).map((unit) =>
    new Intl.NumberFormat(locale, {
      style: "unit",
      unit,
      unitDisplay: "long",
      maximumFractionDigits: 6,
    }).format(Number(amounts[unit])),
  )
  const text = new Intl.ListFormat(locale, { type: "unit" }).format(words)
  return microseconds < 0n ? `\u2212(${text})` : text
}
