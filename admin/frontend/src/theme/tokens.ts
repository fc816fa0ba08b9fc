// A preset with the panel's colours. Steps of the palettes are chosen so that text keeps a contrast
// of 4.5:1 in every combination: dark steps on light surfaces, light ones on dark surfaces.
import { definePreset } from "@primeuix/themes"
import { SURFACES } from "./surfaces"

type Scale = Record<string, string>

const STEPS = ["50", "100", "200", "300", "400", "500", "600", "700", "800", "900", "950"]

const scaleOf = (palette: string): Scale => Object.fromEntries(STEPS.map((step) => [step, `{${palette}.${step}}`]))

/** Palettes whose 700 is still too bright for text on grey. */
const BRIGHT = new Set(["emerald", "green", "lime", "orange", "amber", "yellow", "teal", "cyan"])

/** Steps of a primary palette on light ground: at rest, hovered, pressed. */
export const lightSteps = (primary: string): [string, string, string] =>
  BRIGHT.has(primary) ? ["800", "900", "950"] : ["700", "800", "900"]

const light = (primary: string, [rest, hovered, pressed] = lightSteps(primary)) => ({
  primary: {
    color: `{${primary}.${rest}}`,
    contrastColor: "#ffffff",
    hoverColor: `{${primary}.${hovered}}`,
    activeColor: `{${primary}.${pressed}}`,
  },
  highlight: {
    background: `{${primary}.50}`,
    focusBackground: `{${primary}.100}`,
    color: `{${primary}.900}`,
    focusColor: `{${primary}.950}`,
  },
  text: {
    color: "{surface.800}",
    hoverColor: "{surface.900}",
    mutedColor: "{surface.600}",
    hoverMutedColor: "{surface.700}",
  },
  formField: {
    placeholderColor: "{surface.600}",
    borderColor: "{surface.500}",
    hoverBorderColor: "{surface.600}",
    focusBorderColor: `{${primary}.${rest}}`,
    floatLabelColor: "{surface.600}",
    iconColor: "{surface.600}",
  },
})

const dark = (primary: string) => ({
  primary: {
    color: `{${primary}.300}`,
    contrastColor: "{surface.950}",
    hoverColor: `{${primary}.200}`,
    activeColor: `{${primary}.100}`,
  },
  highlight: {
    background: `color-mix(in srgb, {${primary}.400}, transparent 84%)`,
    focusBackground: `color-mix(in srgb, {${primary}.400}, transparent 76%)`,
    color: "rgba(255,255,255,.92)",
    focusColor: "rgba(255,255,255,.92)",
  },
  text: {
    color: "{surface.0}",
    hoverColor: "{surface.0}",
    mutedColor: "{surface.300}",
    hoverMutedColor: "{surface.200}",
  },
  formField: {
    placeholderColor: "{surface.300}",
    borderColor: "{surface.400}",
    hoverBorderColor: "{surface.300}",
    focusBorderColor: `{${primary}.300}`,
    floatLabelColor: "{surface.300}",
    iconColor: "{surface.300}",
  },
})

/** The preset in these colours; `noir` takes the surface's own greys as primary colour. */
export function coloured(preset: object, primaryColor: string, surfaceName: string): object {
  const primary = primaryColor === "noir" ? "surface" : primaryColor
  const surface = SURFACES[surfaceName] ?? scaleOf(surfaceName)
  const scheme = { surface: { 0: "#ffffff", ...surface } }
  return definePreset(preset as Parameters<typeof definePreset>[0], {
    semantic: {
      primary: scaleOf(primary),
      focusRing: { width: "2px", style: "solid", color: "{primary.color}", offset: "2px" },
      colorScheme: { light: { ...scheme, ...light(primary) }, dark: { ...scheme, ...dark(primary) } },
    },
    components: { button: readableButtons },
  })
}

/** The presets paint these buttons in steps that are too light for white text. */
const severities = {
  secondary: "surface",
  success: "green",
  info: "sky",
  warn: "orange",
  help: "purple",
  danger: "red",
}

const tinted = (step: string) =>
  Object.fromEntries(
    Object.entries(severities).map(([name, palette]) => [
      name,
      {
        color: `{${palette}.${step}}`,
        hoverBackground: `color-mix(in srgb, {${palette}.500}, transparent 88%)`,
        borderColor: `{${palette}.${step}}`,
      },
    ]),
  )

const filled = (step: number, text: string) => {
  const shades = [step, step + (step > 500 ? 100 : -100), step + (step > 500 ? 200 : -200)]
  return Object.fromEntries(
    Object.entries(severities)
      .filter(([name]) => name !== "secondary")
      .map(([name, palette]) => {
        const [rest, hover, active] = shades.map((shade) => `{${palette}.${shade}}`)
        return [
          name,
          {
            background: rest,
            hoverBackground: hover,
            activeBackground: active,
            borderColor: rest,
            hoverBorderColor: hover,
            activeBorderColor: active,
            color: text,
            hoverColor: text,
            activeColor: text,
          },
        ]
      }),
  )
}

const readableButtons = {
  colorScheme: {
    light: { root: filled(700, "#ffffff"), outlined: tinted("700"), text: tinted("700") },
    dark: { root: filled(300, "{surface.950}"), outlined: tinted("300"), text: tinted("300") },
  },
}
