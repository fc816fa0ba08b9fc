/** The fields of a record's form, and what of them is sent. */

import type { ColumnInfo, ErrorEntry, ModelSchema, Property } from "@/api"
import { type Json, sameJson } from "@/api/json"
import { blank, type Definitions, type FieldSchema, labelOf, plain, widgetOf } from "@/widgets/schema"

export type Values = Record<string, Json | undefined>

/** A field of a form. Foreign keys are edited under the name of their id, where the record has it. */
export interface FormField {
  name: string
  /** Names by which errors and options may mean the field. */
  aliases: string[]
  label: string
  schema: FieldSchema
  required: boolean
  /** Whether it may be written, on a new record and on a stored one. */
  create: boolean
  change: boolean
  isLinks: boolean
}

export interface FieldSet {
  title: string
  fields: FormField[]
}

/** The name of the id behind a relation; null for fields that are none, and for composite keys. */
function idBehind(name: string, schema: Property, model: ModelSchema): string | null {
  const column: unknown = schema["x-db-column"]
  if (typeof column !== "string" || column === name) return null
  if (schema["x-db-foreign-key"]) return column
  // A target that this user may not see is not named; the id field of the relation still is.
  const id = model.properties[column]
  return id && id["x-db-column"] === undefined && schema["x-db-type"] === undefined ? column : null
}

function formField(name: string, schema: Property, model: ModelSchema): FormField {
  const id = idBehind(name, schema, model) ?? name
  const readonly = schema["x-db-readonly"] ?? false
  return {
    name: id,
    aliases: [...new Set([id, name, schema["x-db-column"] ?? name])],
    label: labelOf(name, schema as FieldSchema),
    schema: (id === name ? schema : { ...schema, "x-admin": { widget: "relation", ...asked(schema) } }) as FieldSchema,
    required: [name, id].some((known) => model.required?.includes(known) ?? false),
    create: schema["x-admin"]?.create ?? !readonly,
    change: !readonly,
    isLinks: schema["x-db-m2m"] ?? false,
  }
}

/** What is computed for each record: there to be read. */
function computedField({ name, label, help, kind }: ColumnInfo): FormField {
  const schema: FieldSchema = { "x-db-readonly": true, "x-admin": { label, help: help ?? null, create: false } }
  if (kind) schema["x-db-kind"] = kind
  return { name, aliases: [name], label, schema, required: false, create: false, change: false, isLinks: false }
}

/** What the panel says of a field, without a widget that nobody asked for. */
function asked(schema: Property): object {
  const { widget, ...rest } = schema["x-admin"] ?? {}
  return widget ? { ...rest, widget } : rest
}

/**
 * The fields of a model, in the order of its forms or else of its schema, and the computed columns that
 * its forms name. A foreign key is one field; of one with a composite target only the ids are.
 */
export function fieldsOf(model: ModelSchema): FormField[] {
  const properties = Object.entries(model.properties)
  const ids = new Set(properties.map(([name, schema]) => idBehind(name, schema, model)))
  const fields = properties
    .filter(([name, schema]) => !ids.has(name) && !Array.isArray(schema["x-db-column"]))
    .map(([name, schema]) => formField(name, schema, model))
  const order = model["x-admin"]?.form_fields
  const known = [...fields, ...(model["x-admin"]?.columns ?? []).map(computedField)]
  return order ? order.flatMap((name) => known.find((field) => field.aliases.includes(name)) ?? []) : fields
}

/** The fields by group: those that the model declares, then the others, without a title. */
export function fieldSets(model: ModelSchema, fields: FormField[]): FieldSet[] {
  const declared = (model["x-admin"]?.fieldsets ?? []).map(([title, names]) => ({
    title,
    fields: names.flatMap((name) => fields.find((field) => field.aliases.includes(name)) ?? []),
  }))
  const placed = new Set(declared.flatMap((set) => set.fields))
  const rest = { title: "", fields: fields.filter((field) => !placed.has(field)) }
  return [...declared, rest].filter((set) => set.fields.length)
}

const TRUE = /^\(*'?(?:true|t|1)'?\)*$/i

/**
 * What a new record starts with. Undefined is untouched: it is not sent, so that the database's own
 * default counts and a required field is missed, while an emptied text is sent as empty.
 */
export function initialOf(field: FormField, definitions: Definitions): Json | undefined {
  const { schema, nullable } = plain(field.schema, definitions)
  if (schema.default !== undefined) return schema.default as Json
  const widget = widgetOf(field.schema, definitions)
  if (widget === "toggle") return TRUE.test(String(schema["x-db-default"] ?? ""))
  if (schema["x-db-default"] !== undefined) return undefined
  if (nullable) return null
  return ["list", "multiselect", "relations", "nested"].includes(widget) ? blank(field.schema, definitions) : undefined
}

/** Names of the fields whose value is not the one they started with. */
export function changedNames(fields: FormField[], base: Values, values: Values): string[] {
  return fields.map((field) => field.name).filter((name) => !sameJson(base[name], values[name]))
}

/** The body of a POST: what was changed, and what the model cannot do without. */
export function createBody(fields: FormField[], base: Values, values: Values): Record<string, Json> {
  const body: Record<string, Json> = {}
  const changed = new Set(changedNames(fields, base, values))
  for (const { name, create, required } of fields) {
    const value = values[name]
    if (create && value !== undefined && (changed.has(name) || (required && value !== null))) body[name] = value
  }
  return body
}

/** The body of a PATCH: changed fields; of links what came and went, so that unseen ones stay. */
export function changeBody(fields: FormField[], base: Values, values: Values): Record<string, Json> {
  const body: Record<string, Json> = {}
  const changed = new Set(changedNames(fields, base, values))
  for (const { name, change, isLinks } of fields) {
    if (!change || !changed.has(name)) continue
    body[name] = isLinks ? linkChanges(base[name], values[name]) : (values[name] ?? null)
  }
  return body
}

function linkChanges(before: Json | undefined, after: Json | undefined): Json {
  const old = Array.isArray(before) ? before : []
  const now = Array.isArray(after) ? after : []
  const without = (some: Json[], others: Json[]): Json[] =>
    some.filter((key) => !others.some((other) => sameJson(key, other)))
  return { add: without(now, old), remove: without(old, now) }
}

/** The errors of a field, `loc` counted from it. */
export function errorsOf(field: FormField, errors: readonly ErrorEntry[]): ErrorEntry[] {
  return errors
    .filter((error) => field.aliases.includes(String(error.loc[0])))
    .map((error) => ({ ...error, loc: error.loc.slice(1) }))
}

/** Which of three versions of a record differ in a field. */
export interface Difference {
  field: FormField
  base: Json | undefined
  mine: Json | undefined
  theirs: Json | undefined
  /** Both changed it, and not to the same. */
  clash: boolean
}

/** The fields in which somebody else's version or mine differs from the one I began with. */
export function differences(fields: FormField[], base: Values, mine: Values, theirs: Values): Difference[] {
  const found: Difference[] = []
  for (const field of fields) {
    const [was, my, their] = [base[field.name], mine[field.name], theirs[field.name]]
    const changed = !sameJson(was, my)
    const moved = !sameJson(was, their)
    if (!changed && !moved) continue
    found.push({
      field,
      base: was,
      mine: my,
      theirs: their,
      clash: changed && moved && !sameJson(my, their),
    })
  }
  return found
}
