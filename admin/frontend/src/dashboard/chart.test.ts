import { describe, expect, it } from "vitest"
import { bars, line, slices } from "./chart"

describe("bars", () => {
  it("grow from zero, downwards below it", () => {
    const [up, down] = bars(
      [
        ["a", 3],
        ["b", -1],
      ],
      100,
      40,
    )
    expect(up).toMatchObject({ y: 0, height: 30 })
    expect(down).toMatchObject({ y: 30, height: 10 })
  })
  it("of zeros have no height", () => {
    expect(bars([["a", 0]], 100, 40)[0]?.height).toBe(0)
  })
})

describe("line", () => {
  it("of one point begins at the edge", () => {
    expect(line([["a", 5]], 100, 40)).toEqual([{ x: 0, y: 0 }])
  })
})

describe("slices", () => {
  it("of one value are a whole circle", () => {
    expect(slices([["a", 2]])[0]).toContain("A1,1 0 1 1")
  })
  it("of nothing are none", () => {
    expect(
      slices([
        ["a", 0],
        ["b", -2],
      ]),
    ).toEqual(["", ""])
  })
})
