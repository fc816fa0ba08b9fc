// PrimeIcons as one SVG sprite, which is a file of its own and no JavaScript. `virtual:icons` gives
// the names in it and its address.
import { readdirSync, readFileSync } from "node:fs"
import { createRequire } from "node:module"
import { dirname, join } from "node:path"
import type { Plugin } from "vite"

const NAME = "virtual:icons"
const folder = join(dirname(createRequire(import.meta.url).resolve("primeicons/package.json")), "raw-svg")

/** A drawing as a symbol in the colour of the text around it. */
function symbol(name: string): string {
  const svg = readFileSync(join(folder, `${name}.svg`), "utf8")
  const box = /viewBox="([^"]+)"/.exec(svg)?.[1] ?? "0 0 24 24"
  const inner = svg
    .replace(/^[\s\S]*?<svg[^>]*>/, "")
    .replace(/<\/svg>\s*$/, "")
    .replace(/<defs>[\s\S]*?<\/defs>/g, "")
    .replace(/ (id|clip-path)="[^"]*"/g, "")
    .replace(/ fill="black"/g, ' fill="currentColor"')
    .replace(/\s*\n\s*/g, "")
  return `<symbol id="${name}" viewBox="${box}">${inner}</symbol>`
}

export function icons(): Plugin {
  const names = readdirSync(folder)
    .filter((file) => file.endsWith(".svg"))
    .map((file) => file.slice(0, -4))
    .sort()
  return {
    name: "icons",
    resolveId: (id) => (id === NAME ? `\0${NAME}` : undefined),
    load(id) {
      if (id !== `\0${NAME}`) return undefined
      const source = `<svg xmlns="http://www.w3.org/2000/svg">${names.map(symbol).join("")}</svg>`
      const file = this.emitFile({ type: "asset", name: "icons.svg", source })
      return `export const names = new Set(${JSON.stringify(names.join(" "))}.split(" "))
export const sprite = new URL(import.meta.ROLLUP_FILE_URL_${file}, location.href).href`
    },
  }
}
