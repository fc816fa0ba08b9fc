/** Markdown as elements. Headings start two levels down, below those of the page. */

import { defineComponent, h, type VNode } from "vue"
import { type Block, blocks, type Inline } from "./markdown"

function spans(parts: Inline[]): (VNode | string)[] {
  return parts.map((part) => {
    if ("text" in part) return part.kind === "code" ? h("code", part.text) : part.text
    if (part.kind === "link") {
      return h("a", { href: part.address, target: "_blank", rel: "noopener noreferrer" }, spans(part.parts))
    }
    return h(part.kind, spans(part.parts))
  })
}

function element(block: Block): VNode {
  switch (block.kind) {
    case "heading":
      return h(`h${Math.min(6, block.level + 2)}`, spans(block.parts))
    case "list":
      return h(
        block.ordered ? "ol" : "ul",
        block.items.map((item) => h("li", spans(item))),
      )
    case "code":
      return h("pre", { tabindex: 0 }, h("code", block.text))
    case "rule":
      return h("hr")
    case "quote":
      return h("blockquote", spans(block.parts))
    case "paragraph":
      return h("p", spans(block.parts))
  }
}

export default defineComponent({
  props: { text: { type: String, required: true } },
  setup: (props) => () => blocks(props.text).map(element),
})
