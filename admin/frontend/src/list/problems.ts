import { ApiError } from "@/api"
import { errorText } from "@/format"
import { t } from "@/i18n"

const SHOWN = 10

/** What a refused bulk call says: its cause, then what concerns single records. */
export function problemsOf(error: unknown): string[] {
  const entries = error instanceof ApiError ? error.errors : []
  const lines = entries.slice(0, SHOWN).map(({ id, loc, msg }) => {
    const text = loc.length > 0 ? `${loc.join(" › ")}: ${msg}` : msg
    return id === undefined ? text : t("bulk.errorOn", { id: String(id), text })
  })
  return [errorText(error), ...lines]
}
