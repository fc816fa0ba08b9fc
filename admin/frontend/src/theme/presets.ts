import type { Config } from "@/api"

/** The three themes, each loaded only when it is the panel's. */
export const presets: Record<Config["preset"], () => Promise<{ default: object }>> = {
  Aura: () => import("@primeuix/themes/aura"),
  Lara: () => import("@primeuix/themes/lara"),
  Nora: () => import("@primeuix/themes/nora"),
}
