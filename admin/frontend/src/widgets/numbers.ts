/** Numbers as typed and shown: every digit, with the decimal point of the reader's language. */

import { Exact, numberFrom } from "../api/json"

export type NumberKind = "big_integer" | "decimal" | "double"
export type NumberProblem = "number" | "integer" | "range" | "grouping"
export type ReadNumber = { value: number | string | Exact | null } | { problem: NumberProblem }

const SPECIALS: Record<string, string> = {
  nan: "NaN",
  infinity: "Infinity",
  "-infinity": "-Infinity",
  "∞": "Infinity",
  "-∞": "-Infinity",
}
const LOWEST = -(2n ** 63n)
const HIGHEST = 2n ** 63n - 1n
const CANONICAL = /^-?\d+(\.\d*)?([eE][+-]?\d+)?$|^-?\.\d+([eE][+-]?\d+)?$/

/** The decimal separator of a language. */
export function decimalPoint(locale: string): string {
  const parts = new Intl.NumberFormat(locale).formatToParts(1.5)
  return parts.find((part) => part.type === "decimal")?.value ?? "."
}

/** A stored number as it stands in an input: all its digits, no grouping. */
export function showNumber(value: unknown, locale: string): string {
  if (value === null || value === undefined) return ""
  const text = String(value)
  return text.replace(".", decimalPoint(locale))
}

/** What was typed as a value of the kind: decimals as text, other numbers with all their digits. */
export function readNumber(typed: string, kind: NumberKind, locale: string): ReadNumber {
  const text = latin(typed.trim(), locale)
  if (!text) return { value: null }
  const special = SPECIALS[text.toLowerCase()]
  if (special && kind === "double") return { value: special }
  const point = decimalPoint(locale)
  // In a language with a comma, 1.234 may be meant as a thousand.
  if (point !== "." && /^-?\d{1,3}(\.\d{3})+$/.test(text)) return { problem: "grouping" }
  const pointed = text.split(point).length === 2 && !text.includes(".") ? text.replace(point, ".") : text
  if (!CANONICAL.test(pointed)) return { problem: "number" }
  const canonical = json(pointed)
  if (kind === "decimal") return { value: canonical }
  if (kind === "double") return { value: numberFrom(canonical) }
  return readInteger(canonical)
}

function readInteger(text: string): ReadNumber {
  const whole = text.replace(/\.0*$/, "")
  if (!/^-?\d+$/.test(whole)) return { problem: "integer" }
  const exact = BigInt(whole)
  if (exact < LOWEST || exact > HIGHEST) return { problem: "range" }
  return { value: numberFrom(String(exact)) }
}

/** In the notation of JSON: no leading zeros, digits on both sides of the point. */
function json(text: string): string {
  const [, sign = "", whole = "", fraction = "", power = ""] = /^(-?)(\d*)(?:\.(\d*))?([eE].*)?$/.exec(text) ?? []
  const integer = whole.replace(/^0+(?=\d)/, "") || "0"
  return sign + integer + (fraction ? `.${fraction}` : "") + power
}

/** Digits of other scripts and the many minus signs in their ASCII form. */
function latin(text: string, locale: string): string {
  const digits = new Intl.NumberFormat(locale, { useGrouping: false }).format(9876543210n)
  const shown = [...digits].reverse()
  const mapped = [...text].map((character) => {
    const digit = shown.indexOf(character)
    return digit >= 0 ? String(digit) : character
  })
  return mapped
    .join("")
    .replace(/^[\u2212\u2012\u2013]/, "-")
    .replace(/^\+/, "")
}
