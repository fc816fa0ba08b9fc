import { isObject } from "@/api/json"
import { formatValue } from "@/format"
import { modelNamed } from "@/state/panel"

/** How a record that stands inside another is called: its display field, its first text, its key. */
export function labelOfTarget(target: unknown, slug: string | null): string {
  if (!isObject(target)) return formatValue(target)
  const display = slug === null ? null : modelNamed(slug)?.display_field
  if (display && target[display] !== null && target[display] !== undefined) return formatValue(target[display])
  const values = Object.values(target)
  const text = values.find((value) => typeof value === "string" && value !== "")
  return formatValue(text ?? values[0])
}
