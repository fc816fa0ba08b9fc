// The list as its address says it: the names are those of the API, so that a link is the request.
import type { LocationQuery, LocationQueryRaw } from "vue-router"
import type { ListQuery } from "@/api/client"

export const PAGE_SIZES = [25, 50, 100]
const OWN = new Set(["search", "ordering", "page", "per_page", "after", "before", "count"])

export interface ListState {
  search: string
  /** Fields to sort by, "-" descending; empty: the model's own order. */
  ordering: string[]
  page: number
  perPage: number
  /** Position to go on from, in place of a page number. */
  after: string | null
  before: string | null
  countExactly: boolean
  /** By the names of parameters: a field with or without a lookup. */
  filters: Record<string, string>
}

const first = (value: LocationQuery[string] | undefined): string | null =>
  (Array.isArray(value) ? value[0] : value) ?? null

function positive(text: string | null, fallback: number): number {
  const number = Number(text)
  return Number.isInteger(number) && number > 0 ? number : fallback
}

export function stateFrom(query: LocationQuery, maximum: number): ListState {
  const filters: Record<string, string> = {}
  for (const [name, value] of Object.entries(query)) {
    const text = first(value)
    if (!OWN.has(name) && text) filters[name] = text
  }
  return {
    search: first(query["search"]) ?? "",
    ordering: (first(query["ordering"]) ?? "").split(",").filter(Boolean),
    page: positive(first(query["page"]), 1),
    perPage: Math.min(positive(first(query["per_page"]), 25), maximum),
    after: first(query["after"]),
    before: first(query["before"]),
    countExactly: first(query["count"]) === "exact",
    filters,
  }
}

/** The address of a state; what is as usual is left out of it. */
export function queryOf(state: ListState): LocationQueryRaw {
  const query: LocationQueryRaw = { ...state.filters }
  if (state.search) query["search"] = state.search
  if (state.ordering.length > 0) query["ordering"] = state.ordering.join(",")
  if (state.perPage !== 25) query["per_page"] = String(state.perPage)
  if (state.countExactly) query["count"] = "exact"
  if (state.after) query["after"] = state.after
  else if (state.before) query["before"] = state.before
  else if (state.page > 1) query["page"] = String(state.page)
  return query
}

/** What narrows the rows, for exports as well as lists. */
export function narrowing(state: ListState): ListQuery {
  return { ...state.filters, ...(state.search ? { search: state.search } : {}) }
}

export function requestOf(state: ListState): ListQuery {
  return {
    ...narrowing(state),
    ordering: state.ordering.join(",") || undefined,
    per_page: state.perPage,
    page: state.after || state.before ? undefined : state.page,
    after: state.after,
    before: state.after ? undefined : state.before,
    count: state.countExactly ? "exact" : undefined,
  }
}

/** The state at its first page, where every change of what is shown begins. */
export function restarted(state: ListState, change: Partial<ListState>): ListState {
  return { ...state, page: 1, after: null, before: null, ...change }
}

/** The order after a click on a column: up, down, as usual; `further` keeps the other columns. */
export function sorted(ordering: readonly string[], name: string, further: boolean): string[] {
  const now = ordering.find((part) => part.replace(/^-/, "") === name)
  const next = now === undefined ? name : now === name ? `-${name}` : null
  if (!further) return next === null ? [] : [next]
  if (now === undefined) return [...ordering, name]
  return ordering.flatMap((part) => (part === now ? (next ?? []) : part))
}
