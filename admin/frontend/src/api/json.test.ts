import { describe, expect, it } from "vitest"

import { Exact, JsonError, parseJson, sameJson, writeJson } from "./json"

describe("numbers", () => {
  it.each(["9007199254740993", "-9223372036854775808", "1.10", "1.0", "1e400", "0.1", "12", "1E5", "-0"])(
    "gives %s back unchanged",
    (text) => {
      expect(writeJson(parseJson(`[${text}]`))).toBe(`[${text}]`)
    },
  )

  it("uses numbers where they are exact", () => {
    expect(parseJson("[1, 0.5, -3]")).toEqual([1, 0.5, -3])
    expect(parseJson("9007199254740993")).toBeInstanceOf(Exact)
    expect(Number(parseJson("2.50"))).toBe(2.5)
  })

  it.each(["01", "1.", ".5", "+1", "1e", "- 1", "NaN", "0x1"])("refuses %s", (text) => {
    expect(() => parseJson(text)).toThrow(JsonError)
  })
})

describe("texts and structures", () => {
  it.each(['"a\\u00e9\\n\\/"', '{"__proto__":{"x":1}}', '[{"a":[]},{}]', "null", '"😀"'])(
    "reads %s as JSON.parse does",
    (text) => {
      expect(writeJson(parseJson(text))).toBe(JSON.stringify(JSON.parse(text)))
    },
  )

  it("indents", () => {
    expect(writeJson({ a: [1, { b: null }], c: [] }, 2)).toBe(JSON.stringify({ a: [1, { b: null }], c: [] }, null, 2))
  })

  it("leaves out undefined members only", () => {
    expect(writeJson({ a: undefined, b: null })).toBe('{"b":null}')
  })
})

describe("mistakes have a place", () => {
  it.each([
    ['{"a": 1,\n  b: 2}', "key", 2, 3],
    ["[1, 2", "end", 1, 6],
    ["[1] 2", "trailing", 1, 5],
    ['["a\nb"]', "string", 1, 4],
    ['["\\x"]', "escape", 1, 3],
    ["[1 2]", "token", 1, 4],
    ["[12.x]", "number", 1, 4],
    ["[".repeat(300), "depth", 1, 202],
  ] as const)("%s", (text, problem, line, column) => {
    try {
      parseJson(text)
      expect.unreachable()
    } catch (error) {
      expect(error).toBeInstanceOf(JsonError)
      expect(error).toMatchObject({ problem, line, column })
    }
  })
})

describe("sameJson", () => {
  it("knows digits, order and structure", () => {
    expect(sameJson(parseJson('{"a":1,"b":[1.10]}'), parseJson('{"b":[1.10],"a":1}'))).toBe(true)
    expect(sameJson(parseJson("1.10"), parseJson("1.1"))).toBe(false)
    expect(sameJson({ a: 1 }, { b: 1 })).toBe(false)
    expect(sameJson([], {})).toBe(false)
    expect(sameJson(null, {})).toBe(false)
  })
})
