// The user's choices that are not data: theme, language, shortcuts.
import { reactive, watch } from "vue"
import { resolveLocale, setLocale } from "@/i18n"
import { recall, remember } from "./remembered"

export type Mode = "system" | "light" | "dark"

export const settings = reactive({
  mode: "system" as Mode,
  /** A language tag, or null for the panel's own. */
  language: null as string | null,
  shortcuts: true,
})

const dark = matchMedia("(prefers-color-scheme: dark)")

function showMode(): void {
  const isDark = settings.mode === "dark" || (settings.mode === "system" && dark.matches)
  document.documentElement.classList.toggle("dark", isDark)
}

/** Takes up what is remembered, and remembers from now on. `configured` is the panel's locale. */
export function startSettings(configured: string): void {
  Object.assign(settings, recall("settings", {}))
  dark.addEventListener("change", showMode)
  watch(
    settings,
    () => {
      showMode()
      setLocale(resolveLocale(settings.language ?? configured))
      remember("settings", { ...settings })
    },
    { immediate: true },
  )
}
