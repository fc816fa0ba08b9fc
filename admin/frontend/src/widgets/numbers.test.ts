import { describe, expect, it } from "vitest"

import { writeJson } from "../api/json"
import { readNumber, showNumber, type NumberKind } from "./numbers"

const value = (typed: string, kind: NumberKind, locale = "en") => {
  const read = readNumber(typed, kind, locale)
  return "value" in read ? writeJson(read.value) : read.problem
}

describe("whole numbers", () => {
  it.each([
    ["9223372036854775807", "9223372036854775807"],
    ["-9223372036854775808", "-9223372036854775808"],
    ["007", "7"],
    [" +5 ", "5"],
    ["3.0", "3"],
    ["", "null"],
    ["9223372036854775808", "range"],
    ["1.5", "integer"],
    ["1e3", "integer"],
    ["twelve", "number"],
    ["−4", "-4"],
    ["٣", "number"],
  ])("%s", (typed, expected) => expect(value(typed, "big_integer")).toBe(expected))

  it("takes the digits of the language", () => expect(value("٣", "big_integer", "ar-EG")).toBe("3"))
})

describe("decimals", () => {
  it.each([
    ["1.10", "en", '"1.10"'],
    ["1,10", "de", '"1.10"'],
    ["1.10", "de", '"1.10"'],
    ["1.234", "de", "grouping"],
    ["1,234", "en", "number"],
    ["1.234,5", "de", "number"],
    [".5", "en", '"0.5"'],
    ["5.", "en", '"5"'],
    ["123456789012345678901234567890.12", "en", '"123456789012345678901234567890.12"'],
  ])("%s in %s", (typed, locale, expected) => expect(value(typed, "decimal", locale)).toBe(expected))
})

describe("floats", () => {
  it.each([
    ["NaN", '"NaN"'],
    ["-infinity", '"-Infinity"'],
    ["1e400", "1e400"],
    ["0.1", "0.1"],
    ["1E5", "1E5"],
  ])("%s", (typed, expected) => expect(value(typed, "double")).toBe(expected))
})

describe("showNumber", () => {
  it.each([
    ["1.10", "de", "1,10"],
    ["1.10", "en", "1.10"],
    [null, "en", ""],
    [0, "en", "0"],
  ])("%s in %s", (stored, locale, expected) => expect(showNumber(stored, locale)).toBe(expected))
})
