import { describe, expect, it } from "vitest"

import { inZone, offsetText, offsetsOf, readTime, splitInstant, toUtc } from "./instants"

describe("times", () => {
  it.each([
    ["9:05", "09:05:00"],
    ["23:59:59.000001", "23:59:59.000001"],
    ["12:00:00+02:00", "12:00:00+02:00"],
    ["24:00", null],
    ["12:60", null],
    ["noon", null],
  ])("%s", (typed, expected) => expect(readTime(typed)).toBe(expected))
})

describe("naive values", () => {
  it("stay as they are", () => {
    expect(splitInstant("2024-03-31T02:30:00.000001")).toEqual({
      date: "2024-03-31",
      time: "02:30:00.000001",
      offset: "",
    })
    expect(splitInstant("yesterday")).toBeNull()
  })
})

describe("aware values", () => {
  it.each([
    ["2024-07-01T22:15:00.123456+00:00", "Europe/Berlin", "2024-07-02", "00:15:00.123456", 120],
    ["2024-01-01T00:00:00+00:00", "Asia/Kathmandu", "2024-01-01", "05:45:00", 345],
    ["0001-01-02T00:00:00+00:00", "UTC", "0001-01-02", "00:00:00", 0],
    ["2024-12-31T23:00:00-02:00", "UTC", "2025-01-01", "01:00:00", 0],
  ])("%s in %s", (stored, zone, date, time, offset) => {
    const wall = inZone(stored, zone)
    expect(wall).toEqual({ date, time, offset })
    expect(inZone(toUtc({ date, time }, offset) ?? "", zone)).toEqual(wall)
  })

  it("knows that a clock set back shows an hour twice, and one set forward skips one", () => {
    expect(offsetsOf({ date: "2024-10-27", time: "02:30:00" }, "Europe/Berlin")).toEqual([120, 60])
    expect(offsetsOf({ date: "2024-03-31", time: "02:30:00" }, "Europe/Berlin")).toEqual([])
    expect(offsetsOf({ date: "2024-05-01", time: "12:00:00" }, "Europe/Berlin")).toEqual([120])
  })

  it("writes UTC", () => {
    expect(toUtc({ date: "2024-10-27", time: "02:30:00.5" }, 60)).toBe("2024-10-27T01:30:00.5+00:00")
    expect(toUtc({ date: "9999-12-31", time: "23:59:00" }, -60)).toBeNull()
  })

  it("shows offsets", () => {
    expect([330, -210, 0].map(offsetText)).toEqual(["+05:30", "-03:30", "+00:00"])
  })
})
