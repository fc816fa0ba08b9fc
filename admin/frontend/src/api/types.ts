/** What the panel's API sends and takes (contract, sections 6 to 10). */

export type Key = string | number | bigint
/** A record's key: one value, or the parts of a composite one. */
export type RecordKey = Key | Key[]
export type Row = Record<string, unknown>

export interface Config {
  title: string
  preset: "Aura" | "Lara" | "Nora"
  primary_color: string
  surface: string
  version: string
  per_page: number
  export_chunk_size: number
  max_export_rows: number
  auth: {
    enabled: boolean
    login_url: string | null
    builtin_login: boolean
    credentials_schema: JsonSchema | null
  }
  locale: string
  timezone: string
  audit: boolean
  limits: { count: number; offset: number; bulk: number; import: number; body: number }
}

export interface User {
  id: string
  name: string
  roles: string[]
}

export interface Session {
  user: User
  csrf: string | null
  expires: string | null
}

export interface ModelInfo {
  name: string
  verbose_name: string
  field_count: number
  list_display: string[] | null
  search_fields: string[] | null
  list_filter: string[] | null
  readonly_fields: string[] | null
  ordering: string[] | null
  display_field: string | null
  column_labels: Record<string, string> | null
  exportable: boolean
  group: string | null
  icon: string | null
  permissions: string[]
}

export interface JsonSchema {
  type?: string | string[]
  title?: string
  description?: string
  format?: string
  enum?: unknown[]
  const?: unknown
  default?: unknown
  items?: JsonSchema
  anyOf?: JsonSchema[]
  allOf?: JsonSchema[]
  oneOf?: JsonSchema[]
  $ref?: string
  $defs?: Record<string, JsonSchema>
  properties?: Record<string, Property>
  required?: string[]
  additionalProperties?: boolean | JsonSchema
  maxLength?: number
  minLength?: number
  maximum?: number
  minimum?: number
  pattern?: string
  writeOnly?: boolean
}

/** How a filter of a field may compare; "" is the comparison without a lookup. */
export type Lookup =
  "" | "exact" | "in" | "isnull" | "startswith" | "ne" | "gt" | "gte" | "lt" | "lte" | "date" | "overlap" | "len"

/** What the panel says of a field. */
export interface AdminHints {
  label?: string
  help?: string | null
  widget?: string | null
  create?: boolean
  sortable?: boolean
  filters?: string[] | null
}

/** A field in a model's schema. */
export interface Property extends JsonSchema {
  "x-db-kind"?: string
  "x-db-primary-key"?: boolean
  "x-db-readonly"?: boolean
  "x-db-nullable"?: boolean
  "x-db-unique"?: boolean
  "x-db-index"?: boolean
  "x-db-foreign-key"?: { model: string; field: string }
  "x-db-column"?: string
  "x-db-type"?: string
  "x-db-max-length"?: number
  "x-db-default"?: string
  "x-db-comment"?: string
  "x-db-array"?: boolean
  "x-db-array-item-type"?: "string" | "integer" | "number" | "boolean"
  "x-db-m2m"?: boolean
  "x-db-target"?: string
  "x-db-through"?: string
  "x-admin"?: AdminHints
}

export interface ActionInfo {
  name: string
  label: string
  scope: "rows" | "row" | "model"
  confirm?: string | null
  icon?: string | null
  form?: JsonSchema | null
}

export interface InlineInfo {
  name: string
  label?: string
  model: string
  fk?: string | null
  fields?: string[] | null
  max?: number
  can_delete?: boolean
  permissions?: string[]
  /** Of a model that is no page of its own. */
  schema?: ModelSchema | null
}

export interface ModelHints {
  permissions: string[]
  actions: ActionInfo[]
  inlines: InlineInfo[]
  /** Fields and computed columns of forms in order; foreign keys by relation. */
  form_fields?: string[]
  fieldsets: [string, string[]][] | null
  columns: ColumnInfo[] | null
  version_field: string | null
}

/** A column of the list that is no field: made by `@column`. */
export interface ColumnInfo {
  name: string
  label: string
  help?: string | null
  /** Named as the kinds of stored columns are; null: values of any kind. */
  kind?: string | null
  sortable?: boolean
  ordering?: string | null
}

export interface ModelSchema extends JsonSchema {
  properties: Record<string, Property>
  "x-admin": ModelHints
}

export interface Page {
  items: Row[]
  total: number | null
  total_exact: boolean
  page: number | null
  per_page: number
  fk_labels: Record<string, Record<string, string>>
  next: string | null
  prev: string | null
  ignored: string[]
  etags?: Record<string, string>
}

export interface Stored {
  record: Row
  etag: string | null
  /** Actions allowed on this row; null when the server did not say. */
  allow: string[] | null
  /** Fields of this row that keep their values; null when the server did not say. */
  readonly: string[] | null
  /** m2m relations cut to the server's bound. */
  truncated: string[]
}

export interface Option {
  value: Key
  label: string
}

export type Selection =
  { ids: RecordKey[] } | { where: { search?: string; filters: Record<string, string> }; expect: number }

export interface DeletePreview {
  delete: Record<string, number>
  set_null: Record<string, number>
  protected: Record<string, number>
}

export interface ActionResult {
  message: string | null
  level: "success" | "info" | "warning" | "error"
  refresh: boolean
  redirect: string | null
}

export interface ImportReport {
  dry_run: boolean
  rows: number
  created: number
  updated: number
  unchanged: number
  error_count: number
  errors: ErrorEntry[]
}

export interface AuditEntry {
  id: string | number
  at: string
  user: { id: string | null; name: string | null } | null
  action: string
  model: string | null
  pk: string | null
  label: string | null
  changes: Record<string, [unknown, unknown]> | null
  request_id: string | null
}

export interface AuditPage {
  items: AuditEntry[]
  next: string | null
}

export interface Dashboard {
  groups: { name: string | null; models: DashboardModel[] }[]
  charts: { name: string; title: string; kind: ChartKind }[]
  recent: AuditEntry[]
}

export interface DashboardModel {
  name: string
  label: string
  icon: string | null
  count: number | null
  exact: boolean
}

export type ChartKind = "bar" | "line" | "pie" | "number"

export interface ErrorEntry {
  type: string
  loc: (string | number)[]
  msg: string
  ctx?: Record<string, unknown>
  id?: RecordKey
  row?: number
}
