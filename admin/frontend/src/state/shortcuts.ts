// Keyboard shortcuts. A page offers what its keys do while it is shown.
import { onBeforeUnmount, onMounted } from "vue"
import { settings } from "./settings"

export type Shortcut = "/" | "c" | "?" | "Ctrl+S"

const handlers: { key: Shortcut; run: () => void }[] = []

function keyOf(event: KeyboardEvent): string {
  const control = event.ctrlKey || event.metaKey
  return control && event.key.toLowerCase() === "s" ? "Ctrl+S" : control || event.altKey ? "" : event.key
}

/** Whether what has the focus takes the letter as text. */
function types(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName))
}

export function startShortcuts(): void {
  document.addEventListener("keydown", (event) => {
    if (!settings.shortcuts || event.defaultPrevented) return
    const key = keyOf(event)
    if (key !== "Ctrl+S" && (types(event.target) || document.querySelector("dialog[open]"))) return
    const handler = handlers.findLast((candidate) => candidate.key === key)
    if (!handler) return
    event.preventDefault()
    handler.run()
  })
}

/** While the calling component is shown, `key` does this. The innermost component wins. */
export function useShortcut(key: Shortcut, run: () => void): void {
  const handler = { key, run }
  onMounted(() => handlers.push(handler))
  onBeforeUnmount(() => handlers.splice(handlers.indexOf(handler), 1))
}
