import type { ModelInfo, ModelSchema, Property, Row } from "@/api"
import { Exact } from "@/api/json"
import { isNumeric } from "@/format"
import { recall, remember } from "@/state/remembered"

/** A column of a list. */
export interface ListColumn {
  name: string
  label: string
  property: Property | undefined
  /** What to sort by; null: the column cannot be sorted by. */
  ordering: string | null
  /** Slug of the model that values lead to. */
  target: string | null
  numeric: boolean
}

/** The relation whose id a property is. */
function relationOf(schema: ModelSchema, name: string): Property | undefined {
  return Object.values(schema.properties).find(
    (property) => property["x-db-foreign-key"] && property["x-db-column"] === name,
  )
}

const isRelation = (property: Property | undefined): boolean =>
  property?.["x-db-foreign-key"] !== undefined && typeof property["x-db-column"] === "string"

function columnOf(schema: ModelSchema, asked: string): ListColumn | null {
  const computed = schema["x-admin"].columns?.find((column) => column.name === asked)
  if (computed) {
    const ordering = computed.ordering ?? (computed.sortable ? asked : null)
    const property: Property | undefined = computed.kind ? { "x-db-kind": computed.kind } : undefined
    return { name: asked, label: computed.label, property, ordering, target: null, numeric: isNumeric(property) }
  }
  const given = schema.properties[asked]
  const name = isRelation(given) ? (given?.["x-db-column"] ?? asked) : asked
  const property = schema.properties[name] ?? given
  if (!property || property["x-db-kind"] === "blob") return null
  const relation = isRelation(given) ? given : relationOf(schema, name)
  return {
    name,
    label: relation?.["x-admin"]?.label ?? property["x-admin"]?.label ?? name,
    property,
    ordering: property["x-admin"]?.sortable ? name : null,
    target: relation?.["x-db-target"] ?? property["x-db-target"] ?? null,
    numeric: isNumeric(property) && !relation,
  }
}

const isNumber = (value: unknown): boolean => typeof value === "number" || value instanceof Exact

/** The names of columns that hold numbers; where nothing says what a column holds, its values do. */
export function numericColumns(columns: ListColumn[], rows: Row[]): Set<string> {
  const holds = ({ name, numeric, property }: ListColumn): boolean => {
    if (numeric || property) return numeric
    const values = rows.map((row) => row[name]).filter((value) => (value ?? null) !== null)
    return values.length > 0 && values.every(isNumber)
  }
  return new Set(columns.filter(holds).map((column) => column.name))
}

/** Every column that can be shown, those of the model's `list_display` first. */
export function allColumns(schema: ModelSchema): ListColumn[] {
  const names = [...Object.keys(schema.properties), ...(schema["x-admin"].columns ?? []).map((column) => column.name)]
  const columns = new Map<string, ListColumn>()
  for (const name of names) {
    const column = columnOf(schema, name)
    if (column && !columns.has(column.name)) columns.set(column.name, column)
  }
  return [...columns.values()]
}

/** Names of the columns shown when nobody has chosen. */
export function usualColumns(schema: ModelSchema, model: ModelInfo): string[] {
  const names = (model.list_display ?? []).flatMap((name) => columnOf(schema, name)?.name ?? [])
  return names.length > 0 ? [...new Set(names)] : allColumns(schema).map((column) => column.name)
}

/** The names this user has chosen in this browser; columns that no longer exist are left out. */
export function chosenColumns(schema: ModelSchema, model: ModelInfo): string[] {
  const known = new Set(allColumns(schema).map((column) => column.name))
  const chosen = recall<string[]>(`columns:${model.name}`, [], true).filter((name) => known.has(name))
  return chosen.length > 0 ? chosen : usualColumns(schema, model)
}

/** Remembers the choice; null goes back to the usual one. */
export function chooseColumns(model: ModelInfo, names: string[] | null): void {
  remember(`columns:${model.name}`, names, true)
}
