/** Every route of the panel's API as a function. */
import {
  address,
  foreignToken,
  isDownload,
  mount,
  request,
  requestFile,
  segments,
  setCsrf,
  type Download,
  type QueryValue,
} from "./http"
import { keyList, keyText } from "./keys"
import type {
  ActionResult,
  AuditPage,
  Config,
  Dashboard,
  DeletePreview,
  ImportReport,
  ModelInfo,
  ModelSchema,
  Option,
  Page,
  RecordKey,
  Row,
  Selection,
  Session,
  Stored,
} from "./types"

export type ListQuery = Record<string, QueryValue>
type Signal = AbortSignal | undefined

async function data<T>(method: string, path: string, options: Parameters<typeof request>[2] = {}): Promise<T> {
  return (await request<T>(method, path, options)).data
}

/** The names in a header; null without it. */
function words(headers: Headers, name: string): string[] | null {
  const line = headers.get(name)
  if (line === null) return null
  const parts = line.split(",").map((word) => word.trim())
  return parts.filter(Boolean)
}

const stored = (answer: { data: Row; headers: Headers }): Stored => ({
  record: answer.data,
  etag: answer.headers.get("ETag"),
  allow: words(answer.headers, "X-Admin-Allow"),
  readonly: words(answer.headers, "X-Admin-Readonly"),
  truncated: words(answer.headers, "X-Admin-Truncated") ?? [],
})

const record = (model: string, key: RecordKey): string => segments(model, keyText(key))

// --- panel and session ----------------------------------------------------------------------

export const config = (): Promise<Config> => data("GET", "config")

function remember(session: Session): Session {
  setCsrf(session.csrf)
  return session
}

export const session = async (): Promise<Session> => remember(await data("GET", "-/session"))

export const login = async (credentials: Row): Promise<Session> =>
  remember(await data("POST", "-/session", { body: credentials }))

/** Logs in at the host's own address, then exchanges its token for a session of ours. */
export async function externalLogin(loginUrl: string, credentials: Row): Promise<Session> {
  const token = await foreignToken(new URL(loginUrl, new URL("..", mount())).href, credentials)
  return remember(await data("POST", "-/session", { body: {}, bearer: token }))
}

export async function logout(): Promise<void> {
  await data("DELETE", "-/session")
  setCsrf(null)
}

// --- models and dashboard ---------------------------------------------------------------------

export const models = (): Promise<ModelInfo[]> => data("GET", "models")
export const counts = (): Promise<Record<string, number>> => data("GET", "models/counts")
export const schema = (model: string): Promise<ModelSchema> => data("GET", segments(model, "schema"))
export const dashboard = (signal?: Signal): Promise<Dashboard> => data("GET", "-/dashboard", { signal })
export const chart = (name: string, signal?: Signal): Promise<{ points: [string, number][] }> =>
  data("GET", `-/charts/${encodeURIComponent(name)}`, { signal })

// --- rows -------------------------------------------------------------------------------------

export const list = (model: string, query: ListQuery, signal?: Signal): Promise<Page> =>
  data("GET", segments(model), { query, signal })

export const get = async (model: string, key: RecordKey, signal?: Signal): Promise<Stored> =>
  stored(await request<Row>("GET", record(model, key), { signal }))

export const inline = (model: string, key: RecordKey, name: string, query: ListQuery = {}): Promise<Page> =>
  data("GET", `${record(model, key)}/-/inlines/${encodeURIComponent(name)}`, { query })

export const history = (model: string, key: RecordKey, after?: string | null): Promise<AuditPage> =>
  data("GET", `${record(model, key)}/-/history`, { query: { after } })

export const blobAddress = (model: string, key: RecordKey, field: string): string =>
  address(`${record(model, key)}/-/blob/${encodeURIComponent(field)}`)

export function options(
  model: string,
  query: { search?: string; limit?: number; include?: RecordKey[] },
  signal?: Signal,
): Promise<Option[]> {
  const include = query.include?.length ? keyList(query.include) : undefined
  return data("GET", segments(model, "options"), { query: { ...query, include }, signal })
}

// --- writing ----------------------------------------------------------------------------------

export const create = async (model: string, values: Row): Promise<Stored> =>
  stored(await request<Row>("POST", segments(model), { body: values }))

export const change = async (model: string, key: RecordKey, values: Row, etag: string | null): Promise<Stored> =>
  stored(await request<Row>("PATCH", record(model, key), { body: values, ifMatch: etag }))

export const remove = (model: string, key: RecordKey, etag: string | null): Promise<{ deleted: number }> =>
  data("DELETE", record(model, key), { ifMatch: etag })

export const deletePreview = (model: string, selection: Selection): Promise<DeletePreview> =>
  data("POST", `${segments(model)}/-/delete-preview`, { body: selection })

export const bulkDelete = (model: string, selection: Selection): Promise<{ deleted: number }> =>
  data("POST", segments(model, "bulk-delete"), { body: selection })

export const bulkUpdate = (model: string, selection: Selection, values: Row): Promise<{ updated: number }> =>
  data("POST", segments(model, "bulk-update"), { body: { ...selection, data: values } })

export const runAction = (
  model: string,
  name: string,
  selection: Selection | null,
  form: Row | null,
): Promise<ActionResult | Download> =>
  requestFile("POST", `${segments(model)}/-/actions/${encodeURIComponent(name)}`, {
    body: { ...selection, ...(form === null ? {} : { form }) },
  })

// --- files ------------------------------------------------------------------------------------

export async function exportFile(model: string, query: ListQuery): Promise<Download> {
  const answer = await requestFile<unknown>("GET", segments(model, "export"), { query })
  if (!isDownload(answer)) throw new Error("The export is no file.")
  return answer
}

export const importFile = (
  model: string,
  content: Blob | string,
  mode: "create" | "update" | "upsert",
  dryRun: boolean,
): Promise<ImportReport> =>
  data("POST", `${segments(model)}/-/import`, {
    query: { mode, dry_run: dryRun },
    raw: { content, type: "text/csv" },
  })

export const audit = (query: ListQuery, signal?: Signal): Promise<AuditPage> =>
  data("GET", "-/audit", { query, signal })
