import { describe, expect, it } from "vitest"

import { blocks, inlines } from "./markdown"

describe("markdown", () => {
  it("knows blocks", () => {
    const text = "# Title\n\nOne\ntwo\n- a\n- b\n\n1. c\n> said\n\n---\n```\n<b>\n```"
    expect(blocks(text).map((block) => block.kind)).toEqual([
      "heading",
      "paragraph",
      "list",
      "list",
      "quote",
      "rule",
      "code",
    ])
  })

  it("knows emphasis, code and safe links", () => {
    expect(inlines("a **b *c*** `d` [e](https://example.org)").map((part) => part.kind)).toContain("link")
    expect(inlines("[x](javascript:alert(1))").every((part) => part.kind === "text")).toBe(true)
  })

  it.each(["```", "# ", "* ", "> ", "**", "_", "[](", "- \n```\n-", "1.\n\r\n\r", "[".repeat(2000), "*".repeat(2000)])(
    "ends on %j",
    (text) => expect(blocks(text)).toBeInstanceOf(Array),
  )
})
