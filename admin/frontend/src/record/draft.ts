/** A record being edited: what is stored, what is typed, what is wrong with it. */

import { computed, markRaw, reactive, ref, shallowRef } from "vue"
import type { ErrorEntry, ModelSchema, Row } from "@/api"
import { type Json, sameJson } from "@/api/json"
import { keysOf, targetOf } from "@/widgets/targets"
import { changeBody, changedNames, createBody, fieldsOf, initialOf, type FormField, type Values } from "./fields"

type Path = (string | number)[]

export interface Problem {
  path: Path
  text: string
}

export class Draft {
  readonly fields: FormField[]
  /** The values the form started with. */
  readonly base = shallowRef<Values>({})
  readonly values = reactive<Values>({}) as Values
  /** What the server refused. */
  readonly errors = ref<ErrorEntry[]>([])
  /** What is typed and is no value, by path. */
  /** Fields that the stored record keeps as they are; null: those of the schema. */
  readonly fixed = shallowRef<readonly string[] | null>(null)
  private readonly typed = reactive(new Map<string, Problem>())
  readonly problems = computed(() => [...this.typed.values()])
  readonly changed = computed(() => changedNames(this.fields, this.base.value, this.values))
  readonly dirty = computed(() => this.changed.value.length > 0 || this.typed.size > 0)

  constructor(
    readonly schema: ModelSchema,
    only?: (field: FormField) => boolean,
  ) {
    this.fields = fieldsOf(schema).filter(only ?? (() => true))
    // Inside something reactive, the refs above would be taken for their values.
    markRaw(this)
  }

  private start(values: Values): void {
    this.base.value = values
    for (const name of Object.keys(this.values)) delete this.values[name]
    Object.assign(this.values, values)
    this.errors.value = []
    this.typed.clear()
  }

  /** Begins a new record. */
  begin(): void {
    const definitions = this.schema.$defs ?? {}
    this.start(Object.fromEntries(this.fields.map((field) => [field.name, initialOf(field, definitions as never)])))
  }

  /** The form's values of a stored record: links by their keys. */
  async valuesOf(record: Row): Promise<Values> {
    const entries = this.fields.map(async (field): Promise<[string, Json | undefined]> => {
      const value = record[field.name] as Json | undefined
      return [field.name, field.isLinks ? await keysOf(targetOf(field.schema), value) : value]
    })
    return Object.fromEntries(await Promise.all(entries))
  }

  /** Begins with a stored record. */
  async take(record: Row): Promise<void> {
    this.start(await this.valuesOf(record))
  }

  /** Goes on from another stored version, keeping the values given. */
  rebase(base: Values, kept: Values): void {
    this.start(base)
    Object.assign(this.values, kept)
  }

  set(name: string, value: Json): void {
    this.values[name] = value
    const aliases = this.fields.find((field) => field.name === name)?.aliases ?? [name]
    // An error is about the value that was sent; a new one is not judged yet.
    this.errors.value = this.errors.value.filter((error) => !aliases.includes(String(error.loc[0])))
  }

  problem(text: string | null, path: Path): void {
    const key = JSON.stringify(path)
    if (text === null) this.typed.delete(key)
    else this.typed.set(key, { path, text })
  }

  /** Whether a stored record lets the field be written. */
  mayChange(field: FormField): boolean {
    const fixed = this.fixed.value
    return fixed === null ? field.change : !field.aliases.some((alias) => fixed.includes(alias))
  }

  isChanged(name: string): boolean {
    return !sameJson(this.base.value[name], this.values[name])
  }

  createBody(): Record<string, Json> {
    return createBody(this.fields, this.base.value, this.values)
  }

  changeBody(): Record<string, Json> {
    const fields = this.fields.map((field) => ({ ...field, change: this.mayChange(field) }))
    return changeBody(fields, this.base.value, this.values)
  }
}
