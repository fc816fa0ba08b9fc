import { locale } from "@/i18n"
import { config } from "@/state/panel"

/** The zone in which moments are shown; undefined is the browser's. */
export function displayZone(): string | undefined {
  const zone = config().timezone
  return zone === "browser" ? undefined : zone
}

const MOMENT = /^(\d{4,}-\d\d-\d\d)T(\d\d:\d\d)(?::(\d\d)(?:\.(\d+))?)?(Z|[+-]\d\d:\d\d)?$/

/** A date and time. With an offset it is a moment, shown in the panel's zone; without, it stays as it is. */
export function formatDateTime(text: string): string {
  const parts = MOMENT.exec(text)
  if (!parts) return text
  const [, day, minute, second, fraction, offset] = parts
  const moment = new Date(`${day}T${minute}:${second ?? "00"}${offset ?? "Z"}`)
  if (Number.isNaN(moment.getTime())) return text
  const options: Intl.DateTimeFormatOptions = {
    year: "numeric",
    month: "short",
    day: "numeric",
    hour: "numeric",
    minute: "2-digit",
  }
  if ((second ?? "00") !== "00" || fraction) options.second = "2-digit"
  // Three digits are all that Intl knows; the form shows the rest.
  if (fraction && Number(fraction) > 0) options.fractionalSecondDigits = 3
  const zone = offset ? displayZone() : "UTC"
  const format = new Intl.DateTimeFormat(locale.tag, { ...options, ...(zone ? { timeZone: zone } : {}) })
  return format.format(withMillis(moment, fraction))
}

function withMillis(moment: Date, fraction: string | undefined): Date {
  return fraction ? new Date(moment.getTime() + Number(`${fraction}000`.slice(0, 3))) : moment
}

/** A calendar date. */
export function formatDate(text: string): string {
  const moment = new Date(`${text}T00:00Z`)
  if (!/^\d{4}-\d\d-\d\d$/.test(text) || Number.isNaN(moment.getTime())) return text
  return new Intl.DateTimeFormat(locale.tag, { dateStyle: "medium", timeZone: "UTC" }).format(moment)
}

/** A time of day. */
export function formatTime(text: string): string {
  const parts = /^(\d\d:\d\d)(?::(\d\d)(?:\.\d+)?)?$/.exec(text)
  if (!parts) return text
  const [, minute, second] = parts
  const options: Intl.DateTimeFormatOptions = { hour: "numeric", minute: "2-digit", timeZone: "UTC" }
  if (second && second !== "00") options.second = "2-digit"
  return new Intl.DateTimeFormat(locale.tag, options).format(new Date(`1970-01-01T${minute}:${second ?? "00"}Z`))
}
