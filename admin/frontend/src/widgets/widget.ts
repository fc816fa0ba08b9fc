/** What every widget takes and tells, and what the form around it knows. */

import { inject, type InjectionKey, provide, ref, type Ref, watch } from "vue"
import type { ErrorEntry, RecordKey } from "@/api"
import { type Json, sameJson } from "@/api/json"
import type { Definitions, FieldSchema } from "./schema"

export interface WidgetProps {
  /** Of the input; labels and error links point at it. */
  id: string
  field: FieldSchema
  modelValue: Json | undefined
  /** What the input is called, where a group needs names for its parts. */
  label: string
  /** Place inside the record: field name, then into it. */
  path: (string | number)[]
  /** Errors of this value, `loc` counted from it. */
  errors: ErrorEntry[]
  invalid: boolean
  required: boolean
  describedby: string | undefined
}

export interface WidgetEvents {
  "update:modelValue": [value: Json]
  /** What is typed is no value of the kind: a text saying so, or null when it is one again. */
  problem: [text: string | null, path: (string | number)[]]
}

/** What widgets need to know of the form they stand in. */
export interface FormContext {
  definitions: Definitions
  /** The record, for files and labels; null while it is being created. */
  model: string | null
  key: RecordKey | null
  /** Values of the other fields. */
  values: () => Record<string, Json | undefined>
}

const FORM: InjectionKey<FormContext> = Symbol("form")
const NOWHERE: FormContext = { definitions: {}, model: null, key: null, values: () => ({}) }

export const provideForm = (form: FormContext): void => provide(FORM, form)
export const useForm = (): FormContext => inject(FORM, NOWHERE)

type Read = { value: Json } | { problem: string }

/**
 * An input whose text is not its value: it keeps what is typed while that means the value, and
 * tells what is wrong while it means none.
 */
export function useTyped(
  props: WidgetProps,
  emit: {
    (event: "update:modelValue", value: Json): void
    (event: "problem", text: string | null, path: (string | number)[]): void
  },
  show: (value: Json | undefined) => string,
  read: (text: string) => Read,
): { typed: Ref<string>; type: (text: string) => void } {
  const typed = ref(show(props.modelValue))
  let known = props.modelValue
  watch(
    () => props.modelValue,
    (value) => {
      if (sameJson(value, known)) return
      known = value
      typed.value = show(value)
      emit("problem", null, props.path)
    },
  )
  const type = (text: string): void => {
    typed.value = text
    const result = read(text)
    if ("problem" in result) {
      emit("problem", result.problem, props.path)
      return
    }
    known = result.value
    emit("problem", null, props.path)
    emit("update:modelValue", result.value)
  }
  return { typed, type }
}
