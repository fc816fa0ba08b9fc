import type { ErrorEntry, Row } from "./types"

/** A refused request: status, machine-readable code and what concerns single fields. */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    readonly errors: ErrorEntry[] = [],
    /** All other keys of the answer. */
    readonly body: Row = {},
    /** Seconds to wait before trying again; null when the server did not say. */
    readonly retryAfter: number | null = null,
    readonly requestId: string | null = null,
    /** The tag of what is stored now, where the answer tells it. */
    readonly etag: string | null = null,
  ) {
    super(message)
    this.name = "ApiError"
  }
}

/** The server could not be reached, or the connection broke. */
export class NetworkError extends Error {
  constructor(cause: unknown) {
    super("The server cannot be reached.", { cause })
    this.name = "NetworkError"
  }
}

/** Whether a request was given up by the page itself. */
export function isAbort(error: unknown): boolean {
  return error instanceof DOMException && error.name === "AbortError"
}

/** Whatever was thrown, as an error. */
export function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error))
}

const UNNAMED: Record<number, string> = { 401: "unauthorized", 404: "not_found" }

/** The error that an answer describes, whatever its body looks like. */
export function errorFrom(status: number, headers: Headers, body: unknown): ApiError {
  const data: Row = body !== null && typeof body === "object" && !Array.isArray(body) ? (body as Row) : {}
  const detail = data["detail"]
  const entries = Array.isArray(data["errors"]) ? data["errors"] : Array.isArray(detail) ? detail : []
  const first = entries[0] as ErrorEntry | undefined
  const text = typeof detail === "string" ? detail : (first?.msg ?? `HTTP ${status}`)
  const code = typeof data["code"] === "string" ? data["code"] : (UNNAMED[status] ?? "unknown")
  const wait = Number(headers.get("Retry-After"))
  return new ApiError(
    status,
    code,
    text,
    entries as ErrorEntry[],
    data,
    Number.isFinite(wait) && wait > 0 ? wait : null,
    headers.get("X-Request-ID"),
    headers.get("ETag"),
  )
}
