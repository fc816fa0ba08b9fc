/** What a property of a model's schema says about its input: kind, widget, limits, choices. */

import { type Json, isObject } from "../api/json"

/** A property of the schema of a model (contract, 7.3). */
export interface FieldSchema {
  type?: string | string[]
  format?: string
  title?: string
  description?: string
  default?: unknown
  enum?: unknown[]
  const?: unknown
  anyOf?: FieldSchema[]
  oneOf?: FieldSchema[]
  allOf?: FieldSchema[]
  $ref?: string
  items?: FieldSchema
  prefixItems?: FieldSchema[]
  uniqueItems?: boolean
  properties?: Record<string, FieldSchema>
  required?: string[]
  additionalProperties?: boolean | FieldSchema
  minLength?: number
  maxLength?: number
  pattern?: string
  minimum?: number
  maximum?: number
  exclusiveMinimum?: number
  exclusiveMaximum?: number
  minItems?: number
  maxItems?: number
  writeOnly?: boolean
  "x-db-kind"?: string
  "x-db-type"?: string
  "x-db-nullable"?: boolean
  "x-db-readonly"?: boolean
  "x-db-primary-key"?: boolean
  "x-db-max-length"?: number
  "x-db-default"?: unknown
  "x-db-array"?: boolean
  "x-db-array-item-type"?: string
  "x-db-m2m"?: boolean
  "x-db-target"?: string
  "x-db-column"?: string
  "x-db-foreign-key"?: { model: string; field: string }
  "x-admin"?: {
    label?: string
    help?: string | null
    widget?: string | null
    create?: boolean
    sortable?: boolean
    filters?: unknown
  }
}

export type Definitions = Record<string, FieldSchema>

/** The names that `widgets` may use, and those only the kind leads to. */
export const WIDGETS = [
  "toggle",
  "tristate",
  "number",
  "text",
  "textarea",
  "email",
  "url",
  "select",
  "password",
  "color",
  "slug",
  "markdown",
  "file",
  "datetime",
  "date",
  "time",
  "duration",
  "uuid",
  "list",
  "multiselect",
  "json",
  "nested",
  "relation",
  "relations",
] as const
export type WidgetName = (typeof WIDGETS)[number]

/** A property without its references, unions with null and single-member compositions. */
export interface Plain {
  schema: FieldSchema
  nullable: boolean
}

export function plain(field: FieldSchema, definitions: Definitions = {}): Plain {
  let schema = field
  let nullable = false
  for (let step = 0; step < 20; step += 1) {
    const inner = narrowed(schema, definitions)
    nullable ||= inner.nullable
    if (inner.schema === schema) break
    const { $ref: _ref, anyOf: _any, oneOf: _one, allOf: _all, type, ...own } = schema
    schema = { ...(typeof type === "string" ? { type } : {}), ...inner.schema, ...own }
  }
  if (field["x-db-nullable"] !== undefined) nullable = field["x-db-nullable"]
  return { schema, nullable }
}

function narrowed(schema: FieldSchema, definitions: Definitions): Plain {
  if (schema.$ref) {
    const name = schema.$ref.split("/").pop() ?? ""
    return { schema: definitions[name] ?? {}, nullable: false }
  }
  if (schema.allOf?.length === 1) return { schema: schema.allOf[0] as FieldSchema, nullable: false }
  const union = schema.anyOf ?? schema.oneOf
  if (union) {
    const rest = union.filter((member) => member.type !== "null")
    const nullable = rest.length < union.length
    if (rest.length === 1) return { schema: rest[0] as FieldSchema, nullable }
    return { schema, nullable }
  }
  if (Array.isArray(schema.type)) {
    const rest = schema.type.filter((name) => name !== "null")
    const type = rest.length === 1 ? rest[0] : undefined
    return { schema: { ...schema, type: type as string }, nullable: rest.length < schema.type.length }
  }
  return { schema, nullable: false }
}

const BY_KIND: Record<string, WidgetName> = {
  boolean: "toggle",
  big_integer: "number",
  decimal: "number",
  double: "number",
  blob: "file",
  date_time: "datetime",
  date_time_utc: "datetime",
  date: "date",
  time: "time",
  timedelta: "duration",
  uuid: "uuid",
  inet: "text",
  cidr: "text",
  enum: "select",
  array: "list",
  json: "json",
  json_binary: "json",
}

const BY_FORMAT: Record<string, WidgetName> = {
  email: "email",
  uri: "url",
  password: "password",
  binary: "file",
  byte: "file",
  base64: "file",
  "date-time": "datetime",
  date: "date",
  time: "time",
  duration: "duration",
  uuid: "uuid",
}

/** Decimals come as number or text, with the text's form. */
const isDecimal = (schema: FieldSchema): boolean =>
  (schema.anyOf ?? [])
    .map((member) => member.type)
    .sort()
    .join() === "number,string"

const BY_TYPE: Record<string, WidgetName> = {
  boolean: "toggle",
  integer: "number",
  number: "number",
  string: "text",
  array: "list",
}

/** Sub-models in sub-models beyond this depth are edited as JSON, and recursive ones end there. */
const MAX_NESTING = 4

/** The widget of a property: the one asked for, else the one of its kind, else of its JSON type. */
export function widgetOf(field: FieldSchema, definitions: Definitions = {}, depth = 0): WidgetName {
  const asked = field["x-admin"]?.widget
  if (asked && (WIDGETS as readonly string[]).includes(asked)) return asked as WidgetName
  if (field["x-db-m2m"]) return "relations"
  if (field["x-db-foreign-key"]) return "relation"
  const { schema, nullable } = plain(field, definitions)
  const found = fromSchema(schema, definitions, depth)
  return found === "toggle" && nullable ? "tristate" : found
}

function fromSchema(schema: FieldSchema, definitions: Definitions, depth: number): WidgetName {
  const kind = schema["x-db-kind"] ?? ""
  if (schema.enum && kind !== "array") return "select"
  if (schema.writeOnly) return "password"
  if (schema.type === "object" && schema.properties && depth < MAX_NESTING) return "nested"
  if (schema.type === "array") return arrayWidget(schema, definitions, depth)
  const byFormat = BY_FORMAT[schema.format ?? ""]
  if (!kind && isDecimal(schema)) return "number"
  const long = kind === "text" && schema.maxLength === undefined
  return byFormat ?? BY_KIND[kind] ?? (long ? "textarea" : (BY_TYPE[String(schema.type)] ?? "json"))
}

/** One input per item where all items have one kind; arrays of arrays and tuples are JSON. */
function arrayWidget(schema: FieldSchema, definitions: Definitions, depth: number): WidgetName {
  const items = itemSchema(schema)
  if (!items || schema.prefixItems) return "json"
  const item = plain(items, definitions).schema
  if (item.enum && !item["x-admin"]?.widget) return "multiselect"
  const widget = widgetOf(items, definitions, depth + 1)
  return widget === "json" || widget === "list" || widget === "multiselect" ? "json" : "list"
}

/** The schema of an array's items, from the JSON schema or from the name of its items' type. */
export function itemSchema(schema: FieldSchema): FieldSchema | null {
  if (isObject(schema.items) && Object.keys(schema.items).length) return schema.items as FieldSchema
  const type = schema["x-db-array-item-type"]
  return type ? { type } : null
}

/** How many characters a text may have, by validation or by the column. */
export function maxLength(schema: FieldSchema): number | undefined {
  return schema.maxLength ?? schema["x-db-max-length"] ?? undefined
}

/** What a new list item, an added sub-model or an emptied NULL field starts with. */
export function blank(field: FieldSchema, definitions: Definitions = {}): Json {
  const { schema, nullable } = plain(field, definitions)
  if (schema.default !== undefined) return schema.default as Json
  if (nullable) return null
  switch (widgetOf(field, definitions)) {
    case "toggle":
      return false
    case "list":
    case "multiselect":
    case "relations":
      return []
    case "nested":
      return blankObject(schema, definitions)
    case "text":
    case "textarea":
    case "markdown":
    case "email":
    case "url":
      return ""
    default:
      return null
  }
}

/** The values of a sub-model nobody has filled in. */
export function blankObject(schema: FieldSchema, definitions: Definitions): { [key: string]: Json } {
  const out: { [key: string]: Json } = {}
  for (const [name, member] of Object.entries(schema.properties ?? {})) out[name] = blank(member, definitions)
  return out
}

/** The heading of a property: the label set for it, its title, else its name made readable. */
export function labelOf(name: string, field: FieldSchema): string {
  return field["x-admin"]?.label ?? field.title ?? name.replaceAll("_", " ")
}
