/** The parts of Markdown a preview shows: headings, lists, quotes, code, emphasis, links. */

import { safeLink } from "./addresses"

export type Inline =
  | { kind: "text" | "code"; text: string }
  | { kind: "strong" | "em"; parts: Inline[] }
  | { kind: "link"; parts: Inline[]; address: string }

export type Block =
  | { kind: "heading"; level: number; parts: Inline[] }
  | { kind: "paragraph" | "quote"; parts: Inline[] }
  | { kind: "list"; ordered: boolean; items: Inline[][] }
  | { kind: "code"; text: string }
  | { kind: "rule" }

const INLINE = /`([^`\n]+)`|\*\*([^\n]+?)\*\*|__([^\n]+?)__|\*([^*\n]+)\*|\b_([^_\n]+)_\b|\[([^\]\n]+)\]\(([^)\s]+)\)/
const MAX_NESTING = 8

/** A line's emphasis, code and links; links that are not safe stay text. */
export function inlines(text: string, depth = 0): Inline[] {
  const out: Inline[] = []
  let rest = text
  while (rest) {
    const found = depth < MAX_NESTING ? INLINE.exec(rest) : null
    if (!found) break
    if (found.index) out.push({ kind: "text", text: rest.slice(0, found.index) })
    const [whole, code, strong1, strong2, em1, em2, label, target] = found
    const strong = strong1 ?? strong2
    const em = em1 ?? em2
    const address = safeLink(target)
    if (code !== undefined) out.push({ kind: "code", text: code })
    else if (strong !== undefined) out.push({ kind: "strong", parts: inlines(strong, depth + 1) })
    else if (em !== undefined) out.push({ kind: "em", parts: inlines(em, depth + 1) })
    else if (address) out.push({ kind: "link", parts: inlines(label ?? "", depth + 1), address })
    else out.push({ kind: "text", text: whole })
    rest = rest.slice(found.index + whole.length)
  }
  if (rest) out.push({ kind: "text", text: rest })
  return out
}

const BULLET = /^\s{0,3}[-*+]\s+(.*)$/
const NUMBERED = /^\s{0,3}\d{1,9}[.)]\s+(.*)$/
const QUOTE = /^\s{0,3}>\s?(.*)$/

/** A text's blocks. */
export function blocks(text: string): Block[] {
  const lines = text.split(/\r\n|\r|\n/)
  const out: Block[] = []
  let at = 0
  /** Takes lines as long as they fit, and gives what the expression caught. */
  const run = (pattern: RegExp): string[] => {
    const caught: string[] = []
    for (let found; at < lines.length && (found = pattern.exec(lines[at] as string)); at += 1)
      caught.push(found[1] ?? "")
    return caught
  }
  while (at < lines.length) {
    const line = lines[at] as string
    const heading = /^(#{1,6})\s+(.*?)\s*#*$/.exec(line)
    if (!line.trim()) at += 1
    else if (line.startsWith("```")) {
      at += 1
      const code = run(/^(?!```)(.*)$/)
      at += 1
      out.push({ kind: "code", text: code.join("\n") })
    } else if (heading) {
      out.push({
        kind: "heading",
        level: (heading[1] as string).length,
        parts: inlines(heading[2] as string),
      })
      at += 1
    } else if (/^\s{0,3}([-*_])(\s*\1){2,}\s*$/.test(line)) {
      out.push({ kind: "rule" })
      at += 1
    } else if (BULLET.test(line))
      out.push({ kind: "list", ordered: false, items: run(BULLET).map((item) => inlines(item)) })
    else if (NUMBERED.test(line))
      out.push({ kind: "list", ordered: true, items: run(NUMBERED).map((item) => inlines(item)) })
    else if (QUOTE.test(line)) out.push({ kind: "quote", parts: inlines(run(QUOTE).join(" ")) })
    else {
      const words = [line.trim()]
      at += 1
      words.push(
        ...run(/^(?!\s*$|#{1,6}\s|```|\s{0,3}(?:[-*+]|\d{1,9}[.)])\s|\s{0,3}>)(.*)$/).map((more) => more.trim()),
      )
      out.push({ kind: "paragraph", parts: inlines(words.join(" ")) })
    }
  }
  return out
}
