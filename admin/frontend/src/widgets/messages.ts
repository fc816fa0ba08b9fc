/** Errors of the server in the language of the page, with the limits they name. */

import type { ErrorEntry } from "@/api"
import { hasMessage, type Params, t } from "@/i18n"

/** Our own text for an error's type; else the server's. */
export function messageOf(error: ErrorEntry): string {
  const key = `invalid.${error.type}`
  if (!hasMessage(key)) return error.msg
  const params: Params = {}
  for (const [name, value] of Object.entries(error.ctx ?? {})) {
    params[name] = typeof value === "number" ? value : String(value)
  }
  const text = t(key, params)
  // A limit that the server did not tell leaves a gap: then its own words are better.
  return /\{\w+\}/.test(text) ? error.msg : text
}
