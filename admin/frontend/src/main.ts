import { createApp } from "vue"
import App from "./App.vue"
import StartFailed from "./layout/StartFailed.vue"
import { onUnauthorized } from "./api/http"
import { makeRouter } from "./router"
import { config, leave, loadConfig, loadSession } from "./state/panel"
import { startSettings } from "./state/settings"
import { startShortcuts } from "./state/shortcuts"
import { setLocale, resolveLocale } from "./i18n"
import { installTheme } from "./theme"
import "./style/index.css"

async function start(): Promise<void> {
  await loadConfig()
  startSettings(config().locale)
  const app = createApp(App)
  await Promise.all([loadSession(), installTheme(app, config())])
  const router = makeRouter()
  onUnauthorized(() => {
    const next = router.currentRoute.value
    leave()
    if (next.name !== "login") void router.replace({ name: "login", query: { next: next.fullPath, ended: "1" } })
  })
  startShortcuts()
  app.use(router)
  app.mount("#app")
}

start().catch((error: unknown) => {
  setLocale(resolveLocale("auto"))
  createApp(StartFailed, { error }).mount("#app")
})
