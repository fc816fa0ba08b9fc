/** Everything that keeps a record from being saved, with the inputs it is about. */

import type { ErrorEntry } from "@/api"
import { t } from "@/i18n"
import { messageOf } from "@/widgets/messages"
import type { Draft } from "./draft"
import type { InlineDraft, InlineRow } from "./inlines"

export interface Mistake {
  label: string
  text: string
  /** Of the input; null for what concerns the whole. */
  id: string | null
}

type Path = (string | number)[]

const idOf = (prefix: string, path: Path): string => [prefix, ...path].join("-")

/** The mistakes of one draft. */
export function mistakesOf(draft: Draft, prefix: string, place = ""): Mistake[] {
  const field = (name: string | number | undefined) =>
    draft.fields.find((known) => known.aliases.includes(String(name)))
  const at = (path: Path, text: string): Mistake => {
    const known = field(path[0])
    if (!known) return { label: place, text: place ? t("record.mistake", { field: place, text }) : text, id: null }
    const inner = path.slice(1).map((step) => (typeof step === "number" ? String(step + 1) : step))
    const label = [place, known.label, ...inner].filter(Boolean).join(" › ")
    return { label, text, id: idOf(prefix, [known.name, ...path.slice(1)]) }
  }
  return [
    ...draft.problems.value.map((problem) => at(problem.path, problem.text)),
    ...draft.errors.value
      .filter((error) => error.loc[0] !== "_inlines")
      .map((error: ErrorEntry) => at(error.loc, messageOf(error))),
  ]
}

/** The mistakes in the rows of an inline. */
export function inlineMistakes(inline: InlineDraft): Mistake[] {
  return inline.rows.flatMap((row) =>
    row.removed ? [] : mistakesOf(row.draft, rowPrefix(row.id), rowLabel(inline, row)),
  )
}

export const rowLabel = (inline: InlineDraft, row: InlineRow): string =>
  `${inline.info.label ?? inline.info.name} ${inline.rows.indexOf(row) + 1}`

export const rowPrefix = (id: number): string => `row${id}`

/** Puts the focus on an input; if it is a part that no input stands for, on the one around it. */
export function focusInput(id: string): void {
  for (let rest = id; rest; rest = rest.slice(0, Math.max(0, rest.lastIndexOf("-")))) {
    const element = document.getElementById(rest)
    if (!element) continue
    element.focus()
    element.scrollIntoView({ block: "center" })
    return
  }
}
