/** Records of another model edited together with the one they belong to. */

import { computed, markRaw, ref, shallowReactive } from "vue"
import {
  api,
  type ErrorEntry,
  type InlineInfo,
  keyNames,
  keyOf,
  keyText,
  type ModelSchema,
  type RecordKey,
  type Row,
} from "@/api"
import type { Json } from "@/api/json"
import { inside } from "@/widgets/errors"
import { Draft } from "./draft"
import type { FormField } from "./fields"

export interface InlineRow {
  /** Unlike its place, this stays while rows come and go. */
  id: number
  key: RecordKey | null
  etag: string | null
  draft: Draft
  removed: boolean
}

const PER_PAGE = 50
let last = 0

export class InlineDraft {
  readonly rows = shallowReactive<InlineRow[]>([])
  readonly total = ref<number | null>(0)
  /** The position after the last row that is loaded; null when all are. */
  private readonly next = ref<string | null>(null)
  readonly hasMore = computed(() => this.next.value !== null)
  /** Rows in the order in which they were sent, which errors count by. */
  private sent: InlineRow[] = []
  readonly shown: (field: FormField) => boolean

  constructor(
    readonly info: InlineInfo,
    readonly schema: ModelSchema,
  ) {
    const { fields, fk } = info
    this.shown = (field) =>
      fields ? fields.some((name) => field.aliases.includes(name)) : !field.aliases.includes(fk ?? "") && field.create
    markRaw(this)
  }

  get fields(): FormField[] {
    return new Draft(this.schema, this.shown).fields
  }

  may(action: string): boolean {
    const allowed = this.info.permissions ?? this.schema["x-admin"].permissions
    return allowed.includes(action) && (action !== "delete" || this.info.can_delete !== false)
  }

  readonly dirty = computed(() => this.rows.some((row) => row.removed || row.key === null || row.draft.dirty.value))
  readonly problems = computed(() => this.rows.flatMap((row) => (row.removed ? [] : row.draft.problems.value)))

  async load(model: string, key: RecordKey): Promise<void> {
    this.rows.splice(0)
    this.next.value = null
    await this.more(model, key)
  }

  /** Loads the next rows of the record. */
  async more(model: string, key: RecordKey): Promise<void> {
    const page = await api.inline(model, key, this.info.name, { per_page: PER_PAGE, after: this.next.value })
    const names = keyNames(this.schema.properties)
    for (const record of page.items) {
      const row = this.row(keyOf(record, names))
      row.etag = row.key === null ? null : (page.etags?.[keyText(row.key)] ?? null)
      await row.draft.take(record)
      this.rows.push(row)
    }
    this.total.value = page.total
    this.next.value = page.next
  }

  private row(key: RecordKey | null): InlineRow {
    const draft = new Draft(this.schema, this.shown)
    return shallowReactive({ id: ++last, key, etag: null, draft, removed: false })
  }

  add(): InlineRow {
    const row = this.row(null)
    row.draft.begin()
    this.rows.push(row)
    return row
  }

  /** Takes a new row away, marks a stored one; again, and it stays. */
  toggleRemoved(row: InlineRow): void {
    if (row.key === null) this.rows.splice(this.rows.indexOf(row), 1)
    else row.removed = !row.removed
  }

  /** What is to be written of the rows; null if nothing is. */
  body(): Json[] | null {
    const names = keyNames(this.schema.properties)
    this.sent = this.rows.filter((row) => row.removed || row.key === null || row.draft.dirty.value)
    const bodies = this.sent.map((row): Json => {
      if (row.key === null) return row.draft.createBody()
      const key = keyValues(names, row.key)
      const lock = row.etag === null ? {} : { _etag: row.etag }
      return row.removed ? { ...key, ...lock, _delete: true } : { ...row.draft.changeBody(), ...key, ...lock }
    })
    return bodies.length ? bodies : null
  }

  /** Gives errors of the last body to the rows they are about. */
  refuse(errors: readonly ErrorEntry[]): void {
    for (const [place, row] of this.sent.entries()) row.draft.errors.value = inside(errors, place)
  }

  /** The row at a place of the last body. */
  sentAt(place: number): InlineRow | undefined {
    return this.sent[place]
  }
}

function keyValues(names: readonly string[], key: RecordKey): Row & Record<string, Json> {
  const parts = Array.isArray(key) ? key : [key]
  return Object.fromEntries(names.map((name, place) => [name, parts[place] as Json]))
}
