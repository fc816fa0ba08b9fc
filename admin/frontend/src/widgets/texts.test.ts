import { describe, expect, it } from "vitest"

import { isCidr, isInet, isUuid, newUuid, safeLink, slugOf } from "./addresses"
import { sizeOf } from "./bytes"
import { isoDuration, readDuration, spokenDuration } from "./durations"

describe("durations", () => {
  it.each([
    ["P1DT2H3M4.5S", "P1DT2H3M4.5S"],
    ["-P1D", "-P1D"],
    ["PT0S", "PT0S"],
    ["P2W", "P14D"],
    ["1d 2h", "P1DT2H"],
    ["90 min", "PT1H30M"],
    ["1:30", "PT1H30M"],
    ["2 days, 00:00:01.000001", "P2DT1.000001S"],
    ["PT36H", "P1DT12H"],
  ])("%s", (typed, iso) => {
    const read = readDuration(typed)
    expect(read).not.toBeNull()
    expect(isoDuration(read as bigint)).toBe(iso)
  })

  it.each(["", "P", "P1DT", "soon", "1.5", "PT"])("refuses %s", (typed) => expect(readDuration(typed)).toBeNull())

  it("is spoken", () => {
    expect(spokenDuration(93_784_500_000n, "en")).toBe("1 day, 2 hours, 3 minutes, 4.5 seconds")
    expect(spokenDuration(0n, "de")).toBe("0 Sekunden")
  })
})

describe("addresses", () => {
  it.each(["10.0.0.1", "10.0.0.1/8", "::1", "fe80::1/64", "::ffff:1.2.3.4", "1:2:3:4:5:6:7:8"])("%s is one", (text) =>
    expect(isInet(text)).toBe(true),
  )
  it.each(["", "10.0.0", "256.0.0.1", "10.0.0.1/33", ":::", "1:2:3", "::1/129", "g::", "1.2.3.4/8/9", "01.2.3.4"])(
    "%s is none",
    (text) => expect(isInet(text)).toBe(false),
  )
  it("networks have no bits beyond the prefix", () => {
    expect(["10.0.0.0/8", "2001:db8::/32", "10.0.0.1/32", "0.0.0.0/0"].map(isCidr)).toEqual([true, true, true, true])
    expect(["10.0.0.1/8", "2001:db8::1/32"].map(isCidr)).toEqual([false, false])
  })
})

describe("UUIDs, slugs, links, sizes", () => {
  it("makes what it accepts", () => {
    expect(isUuid(newUuid())).toBe(true)
    expect(newUuid()[14]).toBe("4")
    expect(isUuid("123")).toBe(false)
  })
  it.each([
    ["Über den Grat!", "uber-den-grat"],
    ["  C++ ", "c"],
    ["Straße 12", "strasse-12"],
    ["山の道", "山の道"],
  ])("%s", (text, slug) => expect(slugOf(text)).toBe(slug))
  it.each([
    ["https://example.org/a", true],
    ["mailto:a@example.org", true],
    ["javascript:alert(1)", false],
    ["data:text/html,x", false],
    ["no link", false],
  ])("%s", (text, safe) => expect(safeLink(text) !== null).toBe(safe))
  it.each([
    ["", 0],
    ["YQ==", 1],
    ["YWI=", 2],
    ["YWJj", 3],
  ])("size of %s", (text, size) => expect(sizeOf(text)).toBe(size))
})
