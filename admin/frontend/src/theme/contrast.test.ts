// Text is readable in every combination of preset, primary colour and surface, light and dark.
import aura from "@primeuix/themes/aura/base"
import lara from "@primeuix/themes/lara/base"
import nora from "@primeuix/themes/nora/base"
import { describe, expect, it } from "vitest"
import { SURFACES } from "./surfaces"
import { lightSteps } from "./tokens"

type Scale = Record<string, string>

const PRIMARIES = [
  "noir",
  "emerald",
  "green",
  "lime",
  "orange",
  "amber",
  "yellow",
  "teal",
  "cyan",
  "sky",
  "blue",
  "indigo",
  "violet",
  "purple",
  "fuchsia",
  "pink",
  "rose",
]
const PLAIN_SURFACES = ["slate", "gray", "zinc", "neutral", "stone"]
const presets = { aura, lara, nora }

function luminance(colour: string): number {
  const channels = [1, 3, 5].map((at) => parseInt(colour.slice(at, at + 2), 16) / 255)
  const [red, green, blue] = channels.map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4))
  return 0.2126 * (red ?? 0) + 0.7152 * (green ?? 0) + 0.0722 * (blue ?? 0)
}

function contrast(text: string, ground: string): number {
  const [dark, bright] = [luminance(text), luminance(ground)].sort((left, right) => left - right)
  return ((bright ?? 0) + 0.05) / ((dark ?? 0) + 0.05)
}

/** Text and ground as `tokens.ts` and the style sheets pair them. */
function pairs(name: string, primary: Scale, surface: Scale): [string, string, string][] {
  const p = (step: string): string => primary[step] ?? ""
  const s = (step: string): string => (step === "0" ? "#ffffff" : (surface[step] ?? ""))
  const light: [string, string, string][] = ["0", "50", "100"].flatMap((ground) => [
    [`light link on ${ground}`, p(lightSteps(name)[0]), s(ground)],
    [`light text on ${ground}`, s("800"), s(ground)],
    [`light muted on ${ground}`, s("600"), s(ground)],
  ])
  const dark: [string, string, string][] = ["800", "900", "950"].flatMap((ground) => [
    [`dark link on ${ground}`, p("300"), s(ground)],
    [`dark text on ${ground}`, s("0"), s(ground)],
    [`dark muted on ${ground}`, s("300"), s(ground)],
  ])
  const buttons: [string, string, string][] = [
    ...lightSteps(name).map((step): [string, string, string] => [`button ${step}`, "#ffffff", p(step)]),
    ...["300", "200", "100"].map((step): [string, string, string] => [`button ${step}`, s("950"), p(step)]),
    ["highlight", p("900"), p("50")],
  ]
  return [...light, ...dark, ...buttons]
}

describe.each(Object.entries(presets))("the preset %s", (_name, preset) => {
  const palettes = preset.primitive as unknown as Record<string, Scale>

  it.each(PRIMARIES)("is readable in %s on every surface", (primary) => {
    const weak = [...PLAIN_SURFACES, ...Object.keys(SURFACES)].flatMap((surface) => {
      const grey = SURFACES[surface] ?? palettes[surface] ?? {}
      return pairs(primary, primary === "noir" ? grey : (palettes[primary] ?? {}), grey)
        .filter(([, text, ground]) => !(contrast(text, ground) >= 4.5))
        .map(([what, text, ground]) => `${surface}: ${what}: ${contrast(text, ground).toFixed(2)}`)
    })
    expect(weak).toEqual([])
  })
})
