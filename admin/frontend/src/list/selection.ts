import { computed, reactive } from "vue"
import { keyText, type RecordKey, type Selection } from "@/api"
import type { ListState } from "./query"

/** What is selected: single records, across pages, or all that match. */
export function useSelection() {
  const picked = reactive(new Map<string, RecordKey>())
  const all = reactive({ on: false, count: 0 })

  const count = computed(() => (all.on ? all.count : picked.size))

  function has(key: RecordKey): boolean {
    return all.on || picked.has(keyText(key))
  }

  function set(keys: RecordKey[], selected: boolean): void {
    all.on = false
    for (const key of keys) {
      if (selected) picked.set(keyText(key), key)
      else picked.delete(keyText(key))
    }
  }

  /** Selects everything that matches, however many pages that is. */
  function selectAll(matching: number): void {
    picked.clear()
    all.on = true
    all.count = matching
  }

  function clear(): void {
    picked.clear()
    all.on = false
  }

  /** The selection as a request takes it. */
  function toRequest(state: ListState): Selection {
    if (!all.on) return { ids: [...picked.values()] }
    const where = { filters: state.filters, ...(state.search ? { search: state.search } : {}) }
    return { where, expect: all.count }
  }

  return reactive({ picked, all, count, has, set, selectAll, clear, toRequest })
}

export type ListSelection = ReturnType<typeof useSelection>
