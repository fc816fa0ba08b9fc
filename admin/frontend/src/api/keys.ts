import type { Property, RecordKey, Row } from "./types"

/** Words that cannot stand as they are, because a fixed route bears their name (contract, 6.1). */
const RESERVED_SLUGS = new Set(["api", "assets", "config", "login", "models", "-"])
const RESERVED_KEYS = new Set(["schema", "options", "export", "bulk-delete", "bulk-update", "create", "-"])

const utf8 = new TextEncoder()

function escaped(character: string): string {
  return Array.from(utf8.encode(character), (byte) => `~${byte.toString(16).toUpperCase().padStart(2, "0")}`).join("")
}

function escapeFirst(text: string): string {
  return escaped(text.charAt(0)) + text.slice(1)
}

/** One value inside a key or a comma list. */
export function keyPart(value: unknown): string {
  const text = String(value)
  if (text === "") return "~"
  const inner = text.replace(/[~/\\,]/g, escaped)
  return inner.startsWith(".") ? escapeFirst(inner) : inner
}

/** A key as the text in an address; not yet percent-encoded. */
export function keyText(key: RecordKey): string {
  const text = Array.isArray(key) ? key.map(keyPart).join(",") : keyPart(key)
  return RESERVED_KEYS.has(text) ? escapeFirst(text) : text
}

/** A slug as a segment of an address; the server sends slugs in this form already. */
export function slugText(slug: string): string {
  return RESERVED_SLUGS.has(slug) ? escapeFirst(slug) : slug
}

/** Several values as a comma list. Composite keys are escaped as one value each. */
export function keyList(keys: readonly RecordKey[]): string {
  return keys.map((key) => (Array.isArray(key) ? keyPart(key.map(keyPart).join(",")) : keyPart(key))).join(",")
}

/** The text that an escaped value stands for. */
export function unescapeKey(text: string): string {
  if (text === "~") return ""
  return text.replace(/(?:~[0-9a-fA-F]{2})+/g, (run) =>
    new TextDecoder().decode(Uint8Array.from(run.match(/[0-9a-fA-F]{2}/g) ?? [], (hex) => parseInt(hex, 16))),
  )
}

/** Under which names a row holds its key: relations by their id column. */
export function keyNames(properties: Record<string, Property>): string[] {
  const names = Object.entries(properties)
    .filter(([, property]) => property["x-db-primary-key"])
    .map(([name, property]) =>
      property["x-db-target"] || property["x-db-foreign-key"] ? (property["x-db-column"] ?? name) : name,
    )
  return [...new Set(names)]
}

/** The key of a row, or null for a model without one. */
export function keyOf(row: Row, names: readonly string[]): RecordKey | null {
  const parts = names.map((name) => row[name] as never)
  if (parts.length === 0 || parts.some((part) => part === undefined)) return null
  return parts.length === 1 ? (parts[0] as never) : parts
}
