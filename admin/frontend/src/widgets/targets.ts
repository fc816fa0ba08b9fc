/** Targets of relations: their labels, keys and addresses. */

import { api, keyNames, keyOf, keyText, type Option, type RecordKey, type Row } from "@/api"
import { isObject, type Json } from "@/api/json"
import { config, modelNamed, schemaOf } from "@/state/panel"
import type { FieldSchema } from "./schema"

/** How many keys one request asks the labels of; more would make its address too long. */
const LABELS_AT_ONCE = 50

/** The slug of a relation's target, or null if this user may not see it. */
export function targetOf(field: FieldSchema): string | null {
  const slug = field["x-db-target"] ?? field["x-db-foreign-key"]?.model ?? null
  return slug !== null && modelNamed(slug) ? slug : null
}

/** Whether this user may do something with the records of a model. */
export function may(slug: string | null, action: string): boolean {
  return slug !== null && (modelNamed(slug)?.permissions.includes(action) ?? false)
}

/** The page of a record. */
export const pageOf = (slug: string, key: RecordKey): string => `/${slug}/${encodeURIComponent(keyText(key))}`

/** Labels by key as text. Keys of records that do not exist for this user have none. */
export async function labelsOf(slug: string, keys: readonly Json[]): Promise<Map<string, string>> {
  const labels = new Map<string, string>()
  const wanted = new Set(keys.map(String))
  for (let from = 0; from < keys.length; from += LABELS_AT_ONCE) {
    const include = keys.slice(from, from + LABELS_AT_ONCE) as RecordKey[]
    for (const option of await api.options(slug, { limit: 1, include })) {
      if (wanted.has(String(option.value))) labels.set(String(option.value), option.label)
    }
  }
  return labels
}

/** What fits a search among the targets. */
export async function findTargets(
  slug: string,
  search: string,
  limit: number,
  signal: AbortSignal,
): Promise<{ value: Json; label: string }[]> {
  const found: Option[] = await api.options(slug, { ...(search ? { search } : {}), limit }, signal)
  return found.map(({ value, label }) => ({ value: value as Json, label }))
}

/** Most options that the server gives at once. */
export const mostOptions = (): number => config().per_page

/** The keys of the records that an m2m relation holds, which may be bare or whole. */
export async function keysOf(slug: string | null, targets: Json | undefined): Promise<Json[]> {
  if (!Array.isArray(targets)) return []
  const names = slug === null ? [] : keyNames((await schemaOf(slug)).properties)
  return targets.map((target) => {
    if (!isObject(target)) return target
    const key = names.length ? keyOf(target as Row, names) : Object.values(target)[0]
    return (key ?? null) as Json
  })
}
