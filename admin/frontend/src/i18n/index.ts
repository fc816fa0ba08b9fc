// Texts by key, numbers of things by `Intl.PluralRules`. Catalogues are complete: a key missing in
// one of them is a compile error.
import { reactive } from "vue"
import { de } from "./de"
import { deRecord } from "./de.record"
import { en } from "./en"
import { enRecord } from "./en.record"
import { pseudo } from "./pseudo"

/** A text, or one for each plural category of the number `n`. */
export type Entry = string | (Partial<Record<Intl.LDMLPluralRule, string>> & { other: string })

const english = { ...en, ...enRecord }
export type MessageKey = keyof typeof english
type Catalogue = Record<MessageKey, Entry>

const catalogues: Record<string, Catalogue> = { en: english, de: { ...de, ...deRecord } }

/** Languages with a catalogue. */
export const languages = Object.keys(catalogues)

/** Pseudo-languages of tests: every text of ours is marked, left to right and right to left. */
const PSEUDO = new Set(["en-XA", "ar-XB"])
const RIGHT_TO_LEFT = new Set(["ar", "arc", "ckb", "dv", "fa", "he", "ks", "ku", "ps", "sd", "ug", "ur", "yi"])

export const locale = reactive({
  /** BCP 47 tag that numbers and dates follow. */
  tag: "en",
  /** Language of the texts. */
  language: "en",
  direction: "ltr" as "ltr" | "rtl",
})

let texts: Catalogue = english
let plural = new Intl.PluralRules("en")

const languageOf = (tag: string): string => tag.split("-")[0]?.toLowerCase() ?? "en"

/** The tag to use for a configured one; `auto` is the browser's first with a catalogue of ours. */
export function resolveLocale(configured: string, preferred: readonly string[] = navigator.languages): string {
  if (configured !== "auto" && configured !== "") {
    const tag = valid(configured) ?? "en"
    // A language alone leaves the region, and with it the look of dates, to the browser.
    return preferred.find((known) => known.startsWith(`${tag}-`)) ?? tag
  }
  return preferred.find((tag) => catalogues[languageOf(tag)]) ?? "en"
}

function valid(tag: string): string | null {
  try {
    return Intl.getCanonicalLocales(tag)[0] ?? null
  } catch {
    return null
  }
}

export function setLocale(tag: string): void {
  const language = languageOf(tag)
  texts = PSEUDO.has(tag) ? (pseudo(english) as Catalogue) : (catalogues[language] ?? english)
  locale.tag = PSEUDO.has(tag) ? "en" : tag
  locale.language = texts === catalogues[language] ? language : "en"
  locale.direction = RIGHT_TO_LEFT.has(language) ? "rtl" : "ltr"
  plural = new Intl.PluralRules(locale.language)
  document.documentElement.lang = locale.language
  document.documentElement.dir = locale.direction
}

export type Params = Record<string, string | number>

/** The text of a key; `{name}` stands for a parameter, `{n}` as a number of the locale. */
export function t(key: MessageKey, params: Params = {}): string {
  // Read so that everything shown follows a change of language.
  void locale.language
  const entry = texts[key] ?? key
  const count = params["n"]
  const text =
    typeof entry === "string"
      ? entry
      : ((typeof count === "number" ? entry[plural.select(count)] : undefined) ?? entry.other)
  return text.replace(/\{(\w+)\}/g, (whole, name: string) => {
    const value = params[name]
    if (value === undefined) return whole
    return typeof value === "number" ? new Intl.NumberFormat(locale.tag).format(value) : value
  })
}

/** Whether a text computed from data is a key. */
export function hasMessage(key: string): key is MessageKey {
  return Object.hasOwn(english, key)
}
