// Runs a custom action and does what its answer asks for.
import type { Router } from "vue-router"
import { api, isDownload, save, type ActionInfo, type Row, type Selection } from "@/api"
import { t } from "@/i18n"
import { notify } from "@/ui/feedback"

/** True if what is shown should be loaded anew. Failures are the caller's to show. */
export async function runAction(
  model: string,
  action: ActionInfo,
  selection: Selection | null,
  form: Row | null,
  router: Router,
): Promise<boolean> {
  const answer = await api.runAction(model, action.name, selection, form)
  if (isDownload(answer)) {
    save(answer)
    notify(t("export.done", { file: answer.filename }))
    return false
  }
  notify(answer.message ?? t("action.done"), answer.level)
  if (answer.redirect) await follow(answer.redirect, router)
  return answer.refresh && !answer.redirect
}

/** Paths are those of the panel; other addresses are left to the browser if it may go there. */
async function follow(target: string, router: Router): Promise<void> {
  if (/^\/(?![/\\])/.test(target)) await router.push(target)
  else if (/^https?:\/\//i.test(target)) location.assign(target)
}
