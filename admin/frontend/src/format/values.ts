// A stored value as one line of text, for lists, history and dialogs.
import { isObject, writeJson } from "@/api/json"
import type { Property } from "@/api"
import { t } from "@/i18n"
import { formatDate, formatDateTime, formatTime } from "./dates"
import { formatNumber } from "./numbers"

const NUMBERS = new Set(["big_integer", "decimal", "double"])

const BY_KIND: Record<string, (text: string) => string> = {
  date: formatDate,
  time: formatTime,
  date_time: formatDateTime,
  date_time_utc: formatDateTime,
}

const BY_FORMAT: Record<string, (text: string) => string> = {
  date: formatDate,
  time: formatTime,
  "date-time": formatDateTime,
}

export const isNumeric = (property: Property | undefined): boolean =>
  NUMBERS.has(property?.["x-db-kind"] ?? "") && !property?.["x-db-target"]

/** The text of a value; "" for NULL. */
export function formatValue(value: unknown, property?: Property): string {
  if (value === null || value === undefined) return ""
  if (typeof value === "boolean") return t(value ? "common.yes" : "common.no")
  if (typeof value === "number") return isNumeric(property) || !property ? formatNumber(value) : String(value)
  if (typeof value === "string") return formatText(value, property)
  if (Array.isArray(value))
    return value.map((item) => (isObject(item) ? writeJson(item) : formatValue(item))).join(", ")
  if (isObject(value)) return writeJson(value)
  return isNumeric(property) ? formatNumber(value) : String(value)
}

function formatText(text: string, property: Property | undefined): string {
  if (!property) return text
  const kind = property["x-db-kind"] ?? ""
  if (NUMBERS.has(kind)) return formatNumber(text)
  const format = BY_KIND[kind] ?? BY_FORMAT[property.format ?? ""]
  return format ? format(text) : text
}
