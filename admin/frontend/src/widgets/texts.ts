/** The one-line texts: what their inputs are, and what they must look like. */

import { type MessageKey } from "@/i18n"
import type { FieldSchema } from "./schema"
import { isCidr, isInet, isUuid } from "./addresses"

export interface TextForm {
  type: "text" | "email" | "url"
  /** Whether the text has the form; empty text is left to the server. */
  check?: (text: string) => boolean
  problem?: MessageKey
  /** Browsers' spelling and capitals get in the way of codes. */
  code?: boolean
  /** Empty input means null: the kind has no empty text. */
  emptyIsNull?: boolean
}

const isEmail = (text: string): boolean => /^[^\s@]+@[^\s@]+$/.test(text)

export const TEXT_FORMS: Record<string, TextForm> = {
  text: { type: "text" },
  email: { type: "email", check: isEmail, problem: "problem.email", code: true },
  url: { type: "url", check: (text) => URL.canParse(text), problem: "problem.url", code: true },
  slug: { type: "text", code: true },
  uuid: { type: "text", check: isUuid, problem: "problem.uuid", code: true },
  inet: { type: "text", check: isInet, problem: "problem.inet", code: true },
  cidr: { type: "text", check: isCidr, problem: "problem.cidr", code: true },
}

const WITHOUT_EMPTY = new Set(["uuid", "inet", "cidr", "email", "uri"])

/** Whether the kind has no empty text, so that an empty input can only mean null. */
export const emptyIsNull = (schema: FieldSchema): boolean =>
  WITHOUT_EMPTY.has(schema["x-db-kind"] ?? "") || WITHOUT_EMPTY.has(schema.format ?? "")
