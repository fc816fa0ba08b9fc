import { createRouter, createWebHistory, type RouteRecordRaw, type Router } from "vue-router"
import { mount } from "./api/http"
import { config, panel } from "./state/panel"

const routes: RouteRecordRaw[] = [
  { path: "/login", name: "login", component: () => import("./login/LoginPage.vue"), meta: { open: true } },
  { path: "/", name: "dashboard", component: () => import("./dashboard/DashboardPage.vue") },
  { path: "/-/audit", name: "audit", component: () => import("./audit/AuditPage.vue") },
  { path: "/:model", name: "list", component: () => import("./list/ListPage.vue"), props: true },
  { path: "/:model/create", name: "create", component: () => import("./record/RecordPage.vue"), props: true },
  // The key is in its escaped form of the contract's 6.1, as the API takes it.
  { path: "/:model/:pk", name: "record", component: () => import("./record/RecordPage.vue"), props: true },
  { path: "/:rest(.*)*", name: "missing", component: () => import("./layout/MissingPage.vue") },
]

/** Routes below the mount, whatever it is. */
export function makeRouter(): Router {
  const router = createRouter({
    history: createWebHistory(new URL(mount()).pathname),
    routes,
    scrollBehavior: (to, from, saved) => saved ?? (to.path === from.path ? false : { top: 0 }),
  })
  router.beforeEach((to) => {
    if (!panel.session && !to.meta["open"]) return { name: "login", query: { next: to.fullPath } }
    if (to.name === "audit" && !config().audit) return { name: "missing", params: { rest: ["-", "audit"] } }
    return true
  })
  return router
}
