import { locale } from "@/i18n"

const DECIMAL = /^-?\d+(?:\.\d+)?$/

/** A number in the notation of the locale. Digits are exact, and as many as were given. */
export function formatNumber(value: unknown): string {
  const text = String(value)
  if (!DECIMAL.test(text)) return text
  const digits = Math.min(text.split(".")[1]?.length ?? 0, 100)
  const format = new Intl.NumberFormat(locale.tag, {
    minimumFractionDigits: digits,
    maximumFractionDigits: digits,
  })
  return format.format(text as Intl.StringNumericLiteral)
}

/** A file's size in the largest fitting unit. */
export function formatBytes(bytes: number): string {
  const units = ["byte", "kilobyte", "megabyte", "gigabyte"] as const
  const place = Math.min(units.length - 1, bytes < 1 ? 0 : Math.floor(Math.log(bytes) / Math.log(1000)))
  return new Intl.NumberFormat(locale.tag, {
    style: "unit",
    unit: units[place] ?? "byte",
    unitDisplay: "short",
    maximumFractionDigits: place ? 1 : 0,
  }).format(bytes / 1000 ** place)
}
