/** Checks of texts with a form of their own: networks, addresses, UUIDs, slugs, links. */

const UUID = /^[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}$/i
const OCTET = /^(25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)$/
const GROUP = /^[0-9a-f]{1,4}$/i

function isIPv4(text: string): boolean {
  const octets = text.split(".")
  return octets.length === 4 && octets.every((octet) => OCTET.test(octet))
}

/** The eight groups of an IPv6 address, an IPv4 tail taken as two; null if it is none. */
function groupsOf(text: string): string[] | null {
  const [address = "", zone] = text.split("%")
  if (zone === "") return null
  const last = address.slice(address.lastIndexOf(":") + 1)
  const head = last.includes(".") ? (isIPv4(last) ? address.slice(0, -last.length) + "0:0" : "") : address
  const halves = head.split("::")
  if (!head || halves.length > 2) return null
  const groups = halves.map((half) => (half ? half.split(":") : []))
  const count = groups.reduce((sum, half) => sum + half.length, 0)
  if (!groups.flat().every((group) => GROUP.test(group))) return null
  if (halves.length === 1) return count === 8 ? groups.flat() : null
  if (count > 7) return null
  return [...(groups[0] ?? []), ...Array<string>(8 - count).fill("0"), ...(groups[1] ?? [])]
}

/** The bits of an address, most significant first; null if it is none. */
function bitsOf(text: string): string | null {
  if (isIPv4(text))
    return text
      .split(".")
      .map((octet) => Number(octet).toString(2).padStart(8, "0"))
      .join("")
  return (
    groupsOf(text)
      ?.map((group) => parseInt(group, 16).toString(2).padStart(16, "0"))
      .join("") ?? null
  )
}

function prefixOf(text: string | undefined, bits: string): number | null {
  if (text === undefined) return bits.length
  return /^\d{1,3}$/.test(text) && Number(text) <= bits.length ? Number(text) : null
}

/** An address, with a prefix length if wanted: `10.0.0.1`, `fe80::1/64`. */
export function isInet(text: string): boolean {
  const [address = "", prefix, ...more] = text.trim().split("/")
  const bits = bitsOf(address)
  return bits !== null && !more.length && prefixOf(prefix, bits) !== null
}

/** A network: no bit set to the right of its prefix. */
export function isCidr(text: string): boolean {
  const [address = "", prefix, ...more] = text.trim().split("/")
  const bits = bitsOf(address)
  if (bits === null || more.length) return false
  const length = prefixOf(prefix, bits)
  return length !== null && !bits.slice(length).includes("1")
}

export function isUuid(text: string): boolean {
  return UUID.test(text.trim())
}

/** A random UUID; also where the page is not served securely and `randomUUID` is missing. */
export function newUuid(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16))
  bytes[6] = ((bytes[6] as number) & 0x0f) | 0x40
  bytes[8] = ((bytes[8] as number) & 0x3f) | 0x80
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("")
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5")
}

/** A text as part of a URL: lower case, letters and digits of any script, hyphens between. */
export function slugOf(text: string): string {
  return text
    .normalize("NFKD")
    .replace(/\p{Mn}/gu, "")
    .replaceAll("ß", "ss")
    .toLowerCase()
    .replace(/[^\p{L}\p{N}_]+/gu, "-")
    .replace(/^-+|-+$/g, "")
}

/** The text as a link if it may be one: `http`, `https`, `mailto` only. */
export function safeLink(text: unknown): string | null {
  if (typeof text !== "string" || !URL.canParse(text)) return null
  return ["http:", "https:", "mailto:"].includes(new URL(text).protocol) ? text : null
}
