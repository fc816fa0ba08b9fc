import type { Entry } from "./index"

const ACCENTED: Record<string, string> = {
  a: "á",
  e: "é",
  i: "í",
  o: "ó",
  u: "ú",
  y: "ý",
  A: "Á",
  E: "É",
  I: "Í",
  O: "Ó",
  U: "Ú",
  n: "ñ",
  c: "ç",
}

const mark = (text: string): string => `⟦${text.replace(/\{\w+\}|[aeiouyAEIOUnc]/g, (part) => ACCENTED[part] ?? part)}⟧`

/** A catalogue whose every text can be told from text that stands in the code. */
export function pseudo(catalogue: Record<string, Entry>): Record<string, Entry> {
  return Object.fromEntries(
    Object.entries(catalogue).map(([key, entry]) => [
      key,
      typeof entry === "string"
        ? mark(entry)
        : (Object.fromEntries(Object.entries(entry).map(([form, text]) => [form, mark(text)])) as Entry),
    ]),
  )
}
