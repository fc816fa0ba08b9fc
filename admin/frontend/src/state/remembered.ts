// What this browser remembers, apart for each panel and, where asked, each user.
import { mount } from "@/api/http"
import { panel } from "./panel"

function place(name: string, perUser: boolean): string {
  const owner = perUser ? `:${panel.session?.user.id ?? ""}` : ""
  return `oxyde-admin:${new URL(mount()).pathname}${owner}:${name}`
}

/** The remembered value, or the fallback; a browser that remembers nothing is fine. */
export function recall<T>(name: string, fallback: T, perUser = false): T {
  try {
    const text = localStorage.getItem(place(name, perUser))
    return text === null ? fallback : (JSON.parse(text) as T)
  } catch {
    return fallback
  }
}

/** Remembers a value; null forgets it. */
export function remember(name: string, value: unknown, perUser = false): void {
  try {
    if (value === null) localStorage.removeItem(place(name, perUser))
    else localStorage.setItem(place(name, perUser), JSON.stringify(value))
  } catch (error) {
    // Storage may be switched off or full: the choice then lasts until the page is closed.
    console.info("Nothing can be remembered in this browser.", error)
  }
}
