import PrimeVue from "primevue/config"
import type { App } from "vue"
import type { Config } from "@/api"
import { presets } from "./presets"
import { coloured } from "./tokens"

/** What the server wrote into the page so that style elements of ours are let through. */
function nonce(): string {
  return document.querySelector<HTMLMetaElement>('meta[property="csp-nonce"]')?.nonce ?? ""
}

/** Installs the component library with the panel's theme. */
export async function installTheme(app: App, config: Config): Promise<void> {
  const preset = (await presets[config.preset]()).default
  app.use(PrimeVue, {
    csp: { nonce: nonce() },
    theme: {
      preset: coloured(preset, config.primary_color, config.surface),
      options: {
        prefix: "p",
        darkModeSelector: ".dark",
        cssLayer: { name: "primevue", order: "primevue, panel" },
      },
    },
  })
}
