// Values of filters as the inputs of the panel hold them, and as the API takes them.
import { locale } from "@/i18n"
import { config } from "@/state/panel"
import { inZone, offsetsOf, toUtc, zoneNamed } from "@/widgets/instants"
import { readNumber, showNumber, type NumberKind } from "@/widgets/numbers"
import type { FilterField } from "./filters"

const zone = (): string => zoneNamed(config().timezone)

/** The text of an input for a parameter's value. */
export function toInput(field: FilterField, value: string | undefined): string {
  if (!value) return ""
  if (field.type === "number") return showNumber(value, locale.tag)
  if (field.property?.["x-db-kind"] === "date_time_utc") {
    const wall = inZone(value, zone())
    return wall ? `${wall.date}T${wall.time}` : value
  }
  return value
}

/** The parameter's value for what an input holds; null if that is none. */
export function fromInput(field: FilterField, text: string): string | null {
  const typed = text.trim()
  if (typed === "") return ""
  if (field.type === "number") {
    const read = readNumber(typed, field.property?.["x-db-kind"] as NumberKind, locale.tag)
    return "problem" in read ? null : String(read.value)
  }
  if (field.property?.["x-db-kind"] === "date_time_utc") {
    const [date = "", time = ""] = typed.split("T")
    const wall = { date, time: time.length === 5 ? `${time}:00` : time }
    return toUtc(wall, offsetsOf(wall, zone())[0] ?? 0)
  }
  return typed
}
