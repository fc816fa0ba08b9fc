/** The record of a page: loading, saving, deleting, and meeting somebody else's changes. */

import { computed, markRaw, ref, shallowRef } from "vue"
import {
  api,
  ApiError,
  asError,
  keyNames,
  keyOf,
  type ModelSchema,
  type RecordKey,
  type Row,
  type Stored,
  unescapeKey,
} from "@/api"
import type { Json } from "@/api/json"
import { schemaOf } from "@/state/panel"
import { Draft } from "./draft"
import type { Values } from "./fields"
import { InlineDraft, type InlineRow } from "./inlines"
import { inlineMistakes, mistakesOf, rowLabel } from "./mistakes"

/** Begins the ids of the page's inputs. */
export const PREFIX = "field"

/** A key as it stands in an address. */
export const keyFrom = (text: string): RecordKey => {
  const parts = text.split(",").map(unescapeKey)
  return parts.length === 1 ? (parts[0] as string) : parts
}

export type Outcome = "saved" | "refused" | "stale" | "gone"

/** A row of an inline that somebody else has changed, and their version of it. */
interface StaleRow {
  row: InlineRow
  label: string
  values: Values
  etag: string | null
}

/** Goes on from another version of a draft with my values in the fields named. */
function rebaseDraft(draft: Draft, theirs: Values, mine: readonly string[]): void {
  const kept: Values = {}
  for (const field of draft.fields)
    if (mine.includes(field.name) && draft.mayChange(field)) kept[field.name] = draft.values[field.name]
  draft.rebase(theirs, kept)
}

export class RecordModel {
  readonly state = ref<"busy" | "ready" | "failed">("busy")
  readonly failure = shallowRef<Error | null>(null)
  readonly draft = shallowRef<Draft | null>(null)
  readonly inlines = shallowRef<InlineDraft[]>([])
  readonly record = shallowRef<Row>({})
  readonly allow = ref<string[]>([])
  readonly truncated = ref<string[]>([])
  readonly saving = ref(false)
  /** What concerns the record as a whole. */
  readonly refusal = shallowRef<ApiError | null>(null)
  /** Somebody else's version, once it is known that there is one. */
  readonly theirs = shallowRef<(Stored & { values: Values }) | null>(null)
  readonly staleRow = shallowRef<StaleRow | null>(null)
  private etag: string | null = null
  key: RecordKey | null

  constructor(
    readonly model: string,
    pk: string | undefined,
  ) {
    this.key = pk === undefined ? null : keyFrom(pk)
    markRaw(this)
  }

  readonly dirty = computed(
    () => (this.draft.value?.dirty.value ?? false) || this.inlines.value.some((inline) => inline.dirty.value),
  )
  readonly mistakes = computed(() => [
    ...(this.draft.value ? mistakesOf(this.draft.value, PREFIX) : []),
    ...this.inlines.value.flatMap(inlineMistakes),
  ])
  readonly mayChange = computed(() => this.allow.value.includes(this.key === null ? "create" : "change"))

  get schema(): ModelSchema | null {
    return this.draft.value?.schema ?? null
  }

  async load(): Promise<void> {
    this.state.value = "busy"
    try {
      const schema = await schemaOf(this.model)
      const draft = new Draft(schema)
      const inlines = await Promise.all(
        (schema["x-admin"].inlines ?? []).map(
          async (info) => new InlineDraft(info, info.schema ?? (await schemaOf(info.model))),
        ),
      )
      if (this.key === null) {
        draft.begin()
        this.allow.value = schema["x-admin"].permissions
      } else {
        await this.fetch(draft, schema)
        await Promise.all(inlines.map((inline) => inline.load(this.model, this.key as RecordKey)))
      }
      this.draft.value = draft
      this.inlines.value = inlines
      this.state.value = "ready"
    } catch (error) {
      this.failure.value = asError(error)
      this.state.value = "failed"
    }
  }

  private async fetch(draft: Draft, schema: ModelSchema): Promise<void> {
    const stored = await api.get(this.model, this.key as RecordKey)
    // The address holds text; the record knows whether its key is a number.
    this.key = keyOf(stored.record, keyNames(schema.properties)) ?? this.key
    this.allow.value = stored.allow ?? schema["x-admin"].permissions
    draft.fixed.value = stored.readonly
    this.truncated.value = stored.truncated
    this.etag = stored.etag
    this.record.value = stored.record
    await draft.take(stored.record)
  }

  private body(draft: Draft): Record<string, Json> {
    const rows: [string, Json][] = []
    for (const inline of this.inlines.value) {
      const body = inline.body()
      if (body) rows.push([inline.info.name, body])
    }
    return {
      ...(this.key === null ? draft.createBody() : draft.changeBody()),
      ...(rows.length ? { _inlines: Object.fromEntries(rows) } : {}),
    }
  }

  /** Sends what was changed. The drafts keep their values unless they are stored. */
  async save(): Promise<Outcome> {
    const draft = this.draft.value
    if (!draft || this.mistakesTyped()) return "refused"
    this.saving.value = true
    this.refusal.value = null
    try {
      const body = this.body(draft)
      const stored =
        this.key === null ? await api.create(this.model, body) : await api.change(this.model, this.key, body, this.etag)
      this.key = keyOf(stored.record, keyNames(draft.schema.properties)) ?? this.key
      this.theirs.value = null
      return "saved"
    } catch (error) {
      return await this.refused(asError(error), draft)
    } finally {
      this.saving.value = false
    }
  }

  private mistakesTyped(): boolean {
    const inlines = this.inlines.value.some((inline) => inline.problems.value.length > 0)
    return inlines || (this.draft.value?.problems.value.length ?? 0) > 0
  }

  private async refused(error: Error, draft: Draft): Promise<Outcome> {
    if (!(error instanceof ApiError)) throw error
    if (error.code === "stale") return (await this.compareRow(error)) ? "stale" : await this.compare(draft)
    if (error.status === 404 && this.key !== null) return "gone"
    draft.errors.value = error.errors
    for (const inline of this.inlines.value) {
      const mine = error.errors.filter((entry) => entry.loc[0] === "_inlines" && entry.loc[1] === inline.info.name)
      inline.refuse(mine.map((entry) => ({ ...entry, loc: entry.loc.slice(2) })))
    }
    if (!error.errors.length) this.refusal.value = error
    return "refused"
  }

  /** Fetches the version that is stored now. */
  private async compare(draft: Draft): Promise<Outcome> {
    try {
      const now = await api.get(this.model, this.key as RecordKey)
      this.theirs.value = { ...now, values: await draft.valuesOf(now.record) }
      return "stale"
    } catch (error) {
      if (error instanceof ApiError && error.status === 404) return "gone"
      throw error
    }
  }

  /** Takes the stored version of the row that an error is about; false if it is about none. */
  private async compareRow(error: ApiError): Promise<boolean> {
    const [where, name, place] = error.errors[0]?.loc ?? []
    const inline = where === "_inlines" ? this.inlines.value.find((one) => one.info.name === name) : undefined
    const row = inline?.sentAt(Number(place))
    if (!inline || !row) return false
    const values = await row.draft.valuesOf(error.body["current"] as Row)
    this.staleRow.value = { row, label: rowLabel(inline, row), values, etag: error.etag }
    return true
  }

  /** Goes on from their version of a row with my values in the fields named; null: theirs altogether. */
  rebaseRow(mine: readonly string[] | null): void {
    const stale = this.staleRow.value
    if (!stale) return
    rebaseDraft(stale.row.draft, stale.values, mine ?? [])
    stale.row.etag = stale.etag
    if (mine === null) stale.row.removed = false
    this.staleRow.value = null
  }

  /** Goes on from their version with my values in the fields named. */
  rebase(mine: readonly string[]): void {
    const theirs = this.theirs.value
    const draft = this.draft.value
    if (!theirs || !draft) return
    draft.fixed.value = theirs.readonly
    rebaseDraft(draft, theirs.values, mine)
    this.etag = theirs.etag
    this.record.value = theirs.record
    this.theirs.value = null
  }

  /** Deletes the record; stale if somebody has changed it since it was loaded. */
  async remove(): Promise<Outcome> {
    const draft = this.draft.value
    if (!draft || this.key === null) return "refused"
    this.saving.value = true
    this.refusal.value = null
    try {
      await api.remove(this.model, this.key, this.etag)
      return "saved"
    } catch (error) {
      return await this.refused(asError(error), draft)
    } finally {
      this.saving.value = false
    }
  }
}
