// Where the marks of a chart lie, in a box of 100 wide units and the given height.

export type Point = [label: string, value: number]

export interface Bar {
  x: number
  y: number
  width: number
  height: number
}

/** Least and greatest value, always with zero between. */
function range(points: Point[]): [number, number] {
  const values = points.map(([, value]) => value)
  const low = Math.min(0, ...values)
  const high = Math.max(0, ...values)
  return [low, high === low ? low + 1 : high]
}

export function bars(points: Point[], width: number, height: number): Bar[] {
  const [low, high] = range(points)
  const step = width / points.length
  const level = (value: number): number => (height * (high - value)) / (high - low)
  return points.map(([, value], place) => ({
    x: place * step + step * 0.12,
    width: step * 0.76,
    y: level(Math.max(0, value)),
    height: Math.abs(level(0) - level(value)),
  }))
}

export function line(points: Point[], width: number, height: number): { x: number; y: number }[] {
  const [low, high] = range(points)
  const step = points.length > 1 ? width / (points.length - 1) : 0
  return points.map(([, value], place) => ({ x: place * step, y: (height * (high - value)) / (high - low) }))
}

/** Slices of a pie of radius 1 around the origin, as SVG paths. Values below zero have none. */
export function slices(points: Point[]): string[] {
  const total = points.reduce((sum, [, value]) => sum + Math.max(0, value), 0)
  let angle = -Math.PI / 2
  return points.map(([, value]) => {
    const part = total ? Math.max(0, value) / total : 0
    const [from, to] = [angle, angle + part * 2 * Math.PI]
    angle = to
    if (part === 0) return ""
    if (part > 0.9999) return "M0,-1 A1,1 0 1 1 0,1 A1,1 0 1 1 0,-1 Z"
    const large = part > 0.5 ? 1 : 0
    const at = (turn: number): string => `${Math.cos(turn).toFixed(4)},${Math.sin(turn).toFixed(4)}`
    return `M0,0 L${at(from)} A1,1 0 ${large} 1 ${at(to)} Z`
  })
}
