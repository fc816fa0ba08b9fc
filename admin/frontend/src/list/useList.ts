// The rows of a list: loaded whenever the address changes, the newest answer wins.
import { computed, onBeforeUnmount, ref, shallowRef, watch } from "vue"
import { useRoute, useRouter } from "vue-router"
import { api, asError, isAbort, type Page } from "@/api"
import { t } from "@/i18n"
import { config } from "@/state/panel"
import { say } from "@/ui/feedback"
import { queryOf, requestOf, stateFrom, type ListState } from "./query"

export function useList(model: string) {
  const route = useRoute()
  const router = useRouter()
  const page = shallowRef<Page>()
  const error = shallowRef<Error>()
  const loading = ref(false)
  const state = computed(() => stateFrom(route.query, config().per_page))
  let running: AbortController | undefined

  async function load(): Promise<void> {
    running?.abort()
    const mine = (running = new AbortController())
    loading.value = true
    try {
      const answer = await api.list(model, requestOf(state.value), mine.signal)
      page.value = answer
      error.value = undefined
      say(t("list.loaded", { n: answer.items.length }))
    } catch (caught) {
      if (isAbort(caught)) return
      error.value = asError(caught)
    } finally {
      if (running === mine) loading.value = false
    }
  }

  /** Shows another state; typing replaces the address, everything else adds one. */
  function go(next: ListState, replace = false): void {
    const target = { name: "list", params: { model }, query: queryOf(next) }
    void (replace ? router.replace(target) : router.push(target))
  }

  watch(
    () => (route.name === "list" && route.params["model"] === model ? route.fullPath : null),
    (path) => {
      if (path !== null) void load()
    },
    { immediate: true },
  )
  onBeforeUnmount(() => running?.abort())

  return { state, page, error, loading, load, go }
}
