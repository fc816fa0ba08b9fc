// What a list can be filtered by, and how a filter in force is told.
import type { ModelInfo, ModelSchema, Property } from "@/api"
import { formatValue } from "@/format"
import { hasMessage, t } from "@/i18n"

/** A field that may be filtered, with the inputs that suit its kind. */
export interface FilterField {
  name: string
  label: string
  input: "text" | "range" | "choice" | "relation" | "none"
  /** Type of the native inputs. */
  type: "text" | "number" | "date" | "datetime-local" | "time"
  choices: { value: string; label: string }[]
  target: string | null
  nullable: boolean
  /** The parameter of a text input: contains, or equals where it cannot. */
  contains: boolean
  property: Property | undefined
}

const RANGES: Record<string, FilterField["type"]> = {
  big_integer: "number",
  decimal: "number",
  double: "number",
  date: "date",
  date_time: "datetime-local",
  date_time_utc: "datetime-local",
  time: "time",
  timedelta: "text",
}

const LOOKUP = /^(.*)__(exact|in|isnull|startswith|ne|gte?|lte?|date|overlap|len)$/

/** Parameter into field and lookup. */
export function splitFilter(parameter: string): [name: string, lookup: string] {
  const parts = LOOKUP.exec(parameter)
  return parts ? [parts[1] ?? "", parts[2] ?? ""] : [parameter, ""]
}

/** The members of an enum, whether or not NULL is allowed besides. */
function members(property: Property): unknown[] {
  const found = property.enum ?? property.anyOf?.find((part) => part.enum)?.enum ?? []
  return found.filter((value) => value !== null)
}

function choicesOf(property: Property): FilterField["choices"] {
  if (property["x-db-kind"] === "boolean") {
    return [
      { value: "true", label: t("common.yes") },
      { value: "false", label: t("common.no") },
    ]
  }
  return members(property).map((value) => ({ value: String(value), label: String(value) }))
}

/** A path over relations, of which the schema knows nothing. */
function pathField(name: string): FilterField {
  const label = name.split("__").join(" › ").replaceAll("_", " ")
  return {
    name,
    label,
    input: "text",
    type: "text",
    choices: [],
    target: null,
    nullable: false,
    contains: true,
    property: undefined,
  }
}

function propertyField(name: string, property: Property, label: string): FilterField {
  const lookups = property["x-admin"]?.filters ?? []
  const kind = property["x-db-kind"] ?? ""
  const target = property["x-db-target"] ?? null
  const choices = target ? [] : choicesOf(property)
  const range = RANGES[kind]
  const base = {
    name,
    label,
    type: "text" as const,
    choices,
    target,
    property,
    contains: kind === "string" || kind === "text",
    nullable: lookups.includes("isnull") && property["x-db-nullable"] === true,
  }
  if (target) return { ...base, input: "relation" }
  if (choices.length > 0 && lookups.includes("")) return { ...base, input: "choice" }
  if (range && lookups.includes("gte")) return { ...base, input: "range", type: range }
  return { ...base, input: lookups.includes("") ? "text" : "none" }
}

/** The filters of a model in the order of its `list_filter`. */
export function filterFields(schema: ModelSchema, model: ModelInfo): FilterField[] {
  const found = new Map<string, FilterField>()
  for (const asked of model.list_filter ?? []) {
    const [name, property] = relationFor(schema, asked)
    const field = property ? propertyField(name, property, property["x-admin"]?.label ?? name) : pathField(asked)
    if (!found.has(field.name)) found.set(field.name, field)
  }
  return [...found.values()]
}

/** The property that a name of `list_filter` means; ids stand for their relation. */
function relationFor(schema: ModelSchema, name: string): [string, Property | undefined] {
  const relation = Object.values(schema.properties).find(
    (property) => property["x-db-foreign-key"] && property["x-db-column"] === name,
  )
  if (relation) return [name, relation]
  const property = schema.properties[name]
  const id = property?.["x-db-foreign-key"] ? property["x-db-column"] : undefined
  return [id ?? name, property]
}

export interface Chip {
  /** Parameter to drop; "search" for the search. */
  parameter: string
  text: string
}

/** A filter in force as text. `labels` names targets of relations by key. */
export function chipOf(parameter: string, value: string, fields: FilterField[], labels: Record<string, string>): Chip {
  const [name, lookup] = splitFilter(parameter)
  const field = fields.find((candidate) => candidate.name === name)
  const label = field?.label ?? name
  if (lookup === "isnull") {
    const yes = /^(true|1)$/i.test(value)
    return { parameter, text: t(yes ? "filter.lookup.isnull.true" : "filter.lookup.isnull.false", { field: label }) }
  }
  const key = `filter.lookup.${lookup === "" && field?.contains ? "contains" : lookup}`
  return {
    parameter,
    text: t(hasMessage(key) ? key : "filter.lookup.", { field: label, value: shown(value, field, labels) }),
  }
}

function shown(value: string, field: FilterField | undefined, labels: Record<string, string>): string {
  if (field?.target) return labels[value] ?? value
  const choice = field?.choices.find((candidate) => candidate.value === value)
  return choice?.label ?? formatValue(value, field?.property)
}
