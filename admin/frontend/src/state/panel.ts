// What the whole page knows: the panel's configuration, who is logged in, the models they may see.
import { computed, reactive } from "vue"
import { api, type Config, type ModelInfo, type ModelSchema, type Session } from "@/api"

export const panel = reactive({
  config: null as Config | null,
  session: null as Session | null,
  models: [] as ModelInfo[],
})

const schemas = new Map<string, Promise<ModelSchema>>()

/** The configuration; only before it has loaded there is none. */
export function config(): Config {
  if (!panel.config) throw new Error("The panel's configuration has not loaded.")
  return panel.config
}

export const modelNamed = (slug: string): ModelInfo | undefined => panel.models.find((model) => model.name === slug)

/** Models by sidebar group, those without one last, in the order of registration. */
export const groups = computed(() => {
  const found = new Map<string | null, ModelInfo[]>()
  for (const model of panel.models) found.set(model.group, [...(found.get(model.group) ?? []), model])
  return [...found].sort(([left], [right]) => Number(left === null) - Number(right === null))
})

/** Whether some model's history may be read, so that the audit page shows anything. */
export const mayAudit = computed(
  () => config().audit && panel.models.some((model) => model.permissions.includes("history")),
)

/** A model's schema as this user sees it; asked for once. */
export function schemaOf(slug: string): Promise<ModelSchema> {
  let loading = schemas.get(slug)
  if (!loading) {
    loading = api.schema(slug)
    schemas.set(slug, loading)
    loading.catch(() => schemas.delete(slug))
  }
  return loading
}

export async function loadConfig(): Promise<void> {
  panel.config = await api.config()
}

/** Loads who is logged in and what they may see. False when nobody is. */
export async function loadSession(): Promise<boolean> {
  try {
    await enter(await api.session())
    return true
  } catch (error) {
    if (isUnauthorized(error)) return false
    throw error
  }
}

function isUnauthorized(error: unknown): boolean {
  return typeof error === "object" && error !== null && "status" in error && error.status === 401
}

/** Goes on with a session that has begun. */
export async function enter(session: Session): Promise<void> {
  schemas.clear()
  panel.models = await api.models()
  panel.session = session
}

/** Forgets everything about the user. */
export function leave(): void {
  panel.session = null
  panel.models = []
  schemas.clear()
}
