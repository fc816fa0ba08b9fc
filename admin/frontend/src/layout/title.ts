import { watchEffect } from "vue"
import { t } from "@/i18n"
import { config } from "@/state/panel"

/** Names the page in the browser's title. */
export function usePageTitle(page: () => string): void {
  watchEffect(() => {
    document.title = t("app.title", { page: page(), title: config().title })
  })
}
