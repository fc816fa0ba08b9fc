/**
 * JSON that keeps every digit.
 *
 * `JSON.parse` turns numbers into doubles: 9007199254740993 loses its last digit and 1.10 its zero.
 * Here a number that a double gives back unchanged is a number, every other one is an `Exact`, which
 * holds the digits as they were written and is written back the same.
 */

// Text comes before boolean: Vue reads an empty text as true where a prop's types say it the other way.
export type Json = null | string | boolean | number | Exact | Json[] | { [key: string]: Json }
export type JsonObject = { [key: string]: Json }

/** A number whose digits do not survive as a double. */
export class Exact {
  constructor(readonly text: string) {}

  toString(): string {
    return this.text
  }

  /** The nearest double, so that sums and comparisons work; digits may be lost there. */
  valueOf(): number {
    return Number(this.text)
  }
}

export type JsonProblem = "end" | "token" | "string" | "escape" | "number" | "key" | "depth" | "trailing"

/** What is wrong with a text, and where: `line` and `column` count from 1, `offset` from 0. */
export class JsonError extends Error {
  readonly line: number
  readonly column: number

  constructor(
    readonly problem: JsonProblem,
    text: string,
    readonly offset: number,
  ) {
    const before = text.slice(0, offset).split("\n")
    const line = before.length
    const column = (before[line - 1] ?? "").length + 1
    super(`${problem} at ${line}:${column}`)
    this.name = "JsonError"
    this.line = line
    this.column = column
  }
}

const MAX_DEPTH = 200
const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y
const PLAIN = /[^"\\\u0000-\u001f]*/y
const HEX = /[0-9a-fA-F]{4}/y
const WORDS: [string, Json][] = [
  ["true", true],
  ["false", false],
  ["null", null],
]
const ESCAPES: Record<string, string> = {
  '"': '"',
  "\\": "\\",
  "/": "/",
  b: "\b",
  f: "\f",
  n: "\n",
  r: "\r",
  t: "\t",
}

/** The number that a text in JSON notation stands for. */
export function numberFrom(text: string): number | Exact {
  const value = Number(text)
  return String(value) === text ? value : new Exact(text)
}

class Parser {
  private at = 0

  constructor(private readonly text: string) {}

  document(): Json {
    const value = this.value(0)
    this.blanks()
    if (this.at < this.text.length) this.fail("trailing")
    return value
  }

  private fail(problem: JsonProblem, offset = this.at): never {
    throw new JsonError(this.at >= this.text.length && problem !== "depth" ? "end" : problem, this.text, offset)
  }

  private blanks(): void {
    while (this.at < this.text.length && " \t\n\r".includes(this.text[this.at] as string)) this.at += 1
  }

  /** The next character that is no blank, left in place. */
  private peek(): string {
    this.blanks()
    return this.text[this.at] ?? ""
  }

  private take(character: string): boolean {
    if (this.peek() !== character) return false
    this.at += 1
    return true
  }

  private value(depth: number): Json {
    const first = this.peek()
    if (depth > MAX_DEPTH) this.fail("depth")
    if (first === "{") return this.object(depth)
    if (first === "[") return this.array(depth)
    if (first === '"') return this.string()
    for (const [word, value] of WORDS) {
      if (this.text.startsWith(word, this.at)) {
        this.at += word.length
        return value
      }
    }
    return this.number()
  }

  private number(): number | Exact {
    NUMBER.lastIndex = this.at
    const found = NUMBER.exec(this.text)
    if (!found) return this.fail("token")
    this.at = NUMBER.lastIndex
    if (/[\w.+]/.test(this.text[this.at] ?? "")) this.fail("number")
    return numberFrom(found[0])
  }

  private string(): string {
    const start = this.at
    let out = ""
    this.at += 1
    for (;;) {
      PLAIN.lastIndex = this.at
      out += PLAIN.exec(this.text)?.[0] ?? ""
      this.at = PLAIN.lastIndex
      const next = this.text[this.at]
      if (next === '"') break
      if (next !== "\\") this.fail("string", next === undefined ? start : this.at)
      out += this.escape()
    }
    this.at += 1
    return out
  }

  private escape(): string {
    const letter = this.text[this.at + 1] ?? ""
    const plain = ESCAPES[letter]
    if (plain !== undefined) {
      this.at += 2
      return plain
    }
    HEX.lastIndex = this.at + 2
    const digits = letter === "u" ? HEX.exec(this.text) : null
    if (!digits) return this.fail("escape")
    this.at += 6
    return String.fromCharCode(parseInt(digits[0], 16))
  }

  private array(depth: number): Json[] {
    const out: Json[] = []
    this.at += 1
    if (this.take("]")) return out
    do out.push(this.value(depth + 1))
    while (this.take(","))
    if (!this.take("]")) this.fail("token")
    return out
  }

  private object(depth: number): JsonObject {
    const out: JsonObject = {}
    this.at += 1
    if (this.take("}")) return out
    do {
      if (this.peek() !== '"') this.fail("key")
      const key = this.string()
      if (!this.take(":")) this.fail("token")
      const value = this.value(depth + 1)
      // Plain assignment to "__proto__" would set the prototype.
      Object.defineProperty(out, key, { value, writable: true, enumerable: true, configurable: true })
    } while (this.take(","))
    if (!this.take("}")) this.fail("token")
    return out
  }
}

/** Reads JSON; throws `JsonError` with the place of the first mistake. */
export function parseJson(text: string): Json {
  return new Parser(text).document()
}

/** Writes JSON; `undefined` members of objects are left out, `Exact` keeps its digits. */
export function writeJson(value: unknown, indent = 0): string {
  return write(value, indent ? " ".repeat(indent) : "", "")
}

function write(value: unknown, step: string, margin: string): string {
  if (value instanceof Exact) return value.text
  if (Array.isArray(value)) {
    return bracketed(
      "[",
      "]",
      value.map((item) => write(item, step, margin + step)),
      step,
      margin,
    )
  }
  if (value !== null && typeof value === "object") {
    const colon = step ? ": " : ":"
    const members = Object.entries(value)
      .filter(([, member]) => member !== undefined)
      .map(([key, member]) => JSON.stringify(key) + colon + write(member, step, margin + step))
    return bracketed("{", "}", members, step, margin)
  }
  return JSON.stringify(value ?? null)
}

function bracketed(open: string, close: string, parts: string[], step: string, margin: string): string {
  if (!parts.length || !step) return open + parts.join(",") + close
  const inner = margin + step
  return `${open}\n${inner}${parts.join(`,\n${inner}`)}\n${margin}${close}`
}

/** Whether two JSON values are the same; the order of keys does not count, the digits do. */
export function sameJson(left: unknown, right: unknown): boolean {
  if (left === right) return true
  if (left instanceof Exact || right instanceof Exact) {
    return left instanceof Exact && right instanceof Exact && left.text === right.text
  }
  if (Array.isArray(left) || Array.isArray(right)) {
    return (
      Array.isArray(left) &&
      Array.isArray(right) &&
      left.length === right.length &&
      left.every((item, place) => sameJson(item, right[place]))
    )
  }
  if (!isObject(left) || !isObject(right)) return false
  const keys = Object.keys(left)
  return (
    keys.length === Object.keys(right).length &&
    keys.every((key) => Object.hasOwn(right, key) && sameJson(left[key], right[key]))
  )
}

/** A JSON object: no array, no null, no `Exact`. */
export function isObject(value: unknown): value is JsonObject {
  return value !== null && typeof value === "object" && !Array.isArray(value) && !(value instanceof Exact)
}
