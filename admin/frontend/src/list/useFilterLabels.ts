import { reactive, watch, type Ref } from "vue"
import { isAbort } from "@/api"
import { labelsOf } from "@/widgets/targets"
import { splitFilter, type FilterField } from "./filters"

/** Names of the records that filters of relations in force mean, by field and key. */
export function useFilterLabels(fields: Ref<FilterField[]>, filters: () => Record<string, string>) {
  const labels = reactive<Record<string, Record<string, string>>>({})

  function remember(field: string, key: string, label: string): void {
    labels[field] = { ...labels[field], [key]: label }
  }

  async function find(field: FilterField, key: string): Promise<void> {
    if (!field.target || labels[field.name]?.[key] !== undefined) return
    try {
      const found = await labelsOf(field.target, [key])
      remember(field.name, key, found.get(key) ?? key)
    } catch (error) {
      // Without its label the filter is shown by key.
      if (!isAbort(error)) console.info("A filter's label was not found.", error)
    }
  }

  watch(
    filters,
    (now) => {
      for (const [parameter, value] of Object.entries(now)) {
        const [name, lookup] = splitFilter(parameter)
        const field = fields.value.find((candidate) => candidate.name === name)
        if (field && lookup === "") void find(field, value)
      }
    },
    { immediate: true },
  )

  return { labels, remember }
}
