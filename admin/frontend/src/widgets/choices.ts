/** The members of enums and literals. */

import type { Json } from "@/api/json"
import type { Choice } from "./Combobox.vue"
import type { FieldSchema } from "./schema"

/** What may be chosen, null left out: it is offered apart. */
export function choicesOf(schema: FieldSchema): Choice[] {
  const values = schema.enum ?? (schema.const === undefined ? [] : [schema.const])
  return values.filter((value) => value !== null).map((value) => ({ value: value as Json, label: String(value) }))
}
