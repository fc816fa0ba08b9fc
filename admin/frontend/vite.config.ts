import { fileURLToPath } from "node:url"
import vue from "@vitejs/plugin-vue"
import { defineConfig } from "vite"
import { icons } from "./build/icons.ts"

export default defineConfig({
  // The page carries a <base href>: every address in it is relative to the mount, wherever that is.
  base: "./",
  plugins: [vue(), icons()],
  resolve: { alias: { "@": fileURLToPath(new URL("./src", import.meta.url)) } },
  define: { __VUE_OPTIONS_API__: true, __VUE_PROD_DEVTOOLS__: false },
  build: {
    target: "es2022",
    outDir: "../oxyde_admin/static",
    emptyOutDir: true,
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
  },
})
