import { ApiError, NetworkError } from "@/api"
import { hasMessage, t } from "@/i18n"

/** What to tell the user about an error: our own text where there is one, else the server's. */
export function errorText(error: unknown): string {
  if (error instanceof NetworkError) return t("error.network")
  if (!(error instanceof ApiError)) return error instanceof Error ? error.message : String(error)
  const key = `error.${error.code}`
  return hasMessage(key) ? t(key) : error.message
}
