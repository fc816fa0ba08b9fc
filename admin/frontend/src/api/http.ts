import { ApiError, errorFrom, isAbort, NetworkError } from "./errors"
import { parseJson, writeJson } from "./json"

/** What a request may carry. `query` values that are null or undefined are left out. */
export interface RequestOptions {
  query?: Record<string, QueryValue>
  body?: unknown
  /** A body sent as it is, with this media type. */
  raw?: { content: Blob | string; type: string }
  ifMatch?: string | null
  /** A token in place of the session's cookie. */
  bearer?: string
  signal?: AbortSignal | undefined
}

export type QueryValue = string | number | boolean | null | undefined | readonly string[]

export interface Answer<T> {
  data: T
  headers: Headers
  status: number
}

export interface Download {
  blob: Blob
  filename: string
}

let csrf: string | null = null
let unauthorized: () => void = () => undefined

/** The token that unsafe requests of this session carry. */
export function setCsrf(token: string | null): void {
  csrf = token
}

/** Called whenever the server says that nobody is logged in any longer. */
export function onUnauthorized(listener: () => void): void {
  unauthorized = listener
}

/** The mount, with its slash. */
export function mount(): string {
  return new URL(".", document.baseURI).href
}

/** The address of an API path, which comes without `/api/`. */
export function address(path: string, query: Record<string, QueryValue> = {}): string {
  const url = new URL(`api/${path}`, mount())
  for (const [name, value] of Object.entries(query)) {
    if (value === null || value === undefined) continue
    for (const item of Array.isArray(value) ? value : [value]) url.searchParams.append(name, String(item))
  }
  return url.href
}

/** Segments of a path, percent-encoded. */
export function segments(...parts: string[]): string {
  return parts.map((part) => encodeURIComponent(part)).join("/")
}

async function send(method: string, path: string, options: RequestOptions): Promise<Response> {
  const headers = new Headers({ Accept: "application/json" })
  let body: BodyInit | null = null
  if (options.raw) {
    headers.set("Content-Type", options.raw.type)
    body = options.raw.content
  } else if (options.body !== undefined) {
    headers.set("Content-Type", "application/json")
    body = writeJson(options.body)
  }
  if (options.bearer) headers.set("Authorization", `Bearer ${options.bearer}`)
  if (options.ifMatch) headers.set("If-Match", options.ifMatch)
  if (csrf !== null && method !== "GET") headers.set("X-CSRF-Token", csrf)
  const response = await reach(address(path, options.query), {
    method,
    headers,
    body,
    credentials: "same-origin",
    redirect: "error",
    signal: options.signal ?? null,
  })
  if (response.ok) return response
  const error = errorFrom(response.status, response.headers, read(await response.text()))
  if (response.status === 401 && path !== "-/session" && path !== "login") unauthorized()
  throw error
}

async function reach(url: string, init: RequestInit): Promise<Response> {
  try {
    return await fetch(url, init)
  } catch (error) {
    if (isAbort(error)) throw error
    throw new NetworkError(error)
  }
}

/** The token that the host's own login gives for these credentials. */
export async function foreignToken(url: string, credentials: unknown): Promise<string> {
  const response = await reach(url, {
    method: "POST",
    headers: { Accept: "application/json", "Content-Type": "application/json" },
    body: writeJson(credentials),
  })
  const answer = read(await response.text())
  if (!response.ok) throw errorFrom(response.status, response.headers, answer)
  const token = (answer as { token?: unknown } | null)?.token
  if (typeof token !== "string") throw new ApiError(response.status, "unknown", "The login gave no token.")
  return token
}

function read(text: string): unknown {
  if (text === "") return null
  try {
    return parseJson(text)
  } catch {
    // A proxy's page in place of our answer: the status alone says what happened.
    return null
  }
}

/** Sends a request and reads its JSON answer. */
export async function request<T>(method: string, path: string, options: RequestOptions = {}): Promise<Answer<T>> {
  const response = await send(method, path, options)
  const text = await response.text()
  if (text !== "" && !response.headers.get("Content-Type")?.startsWith("application/json")) {
    throw new ApiError(response.status, "unknown", "The answer is not JSON.")
  }
  return {
    data: (text === "" ? null : parseJson(text)) as T,
    headers: response.headers,
    status: response.status,
  }
}

/** Sends a request whose answer is JSON or an attachment. */
export async function requestFile<T>(
  method: string,
  path: string,
  options: RequestOptions = {},
): Promise<T | Download> {
  const response = await send(method, path, options)
  const disposition = response.headers.get("Content-Disposition")
  if (disposition?.startsWith("attachment")) {
    return { blob: await response.blob(), filename: filenameIn(disposition) }
  }
  const text = await response.text()
  return (text === "" ? null : parseJson(text)) as T
}

function filenameIn(disposition: string): string {
  const encoded = /filename\*=UTF-8''([^;]+)/i.exec(disposition)?.[1]
  if (encoded) return decodeURIComponent(encoded)
  return /filename="?([^";]+)"?/i.exec(disposition)?.[1] ?? "download"
}

/** Whether an answer of `requestFile` is a file. */
export function isDownload(answer: unknown): answer is Download {
  return typeof answer === "object" && answer !== null && "blob" in answer
}

/** Hands a file to the browser, which asks where to keep it. */
export function save(file: Download): void {
  const link = document.createElement("a")
  link.href = URL.createObjectURL(file.blob)
  link.download = file.filename
  link.click()
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000)
}
