import type { JsonSchema } from "@/api"
import { t } from "@/i18n"

export interface CredentialField {
  name: string
  label: string
  type: "text" | "password" | "email" | "number" | "checkbox"
  autocomplete: string
  required: boolean
}

/** Labels of the usual fields in the user's language; others bear the schema's titles. */
const KNOWN: Record<string, "login.email" | "login.password"> = {
  Email: "login.email",
  Password: "login.password",
}

const TYPES: Record<string, CredentialField["type"]> = {
  boolean: "checkbox",
  integer: "number",
  number: "number",
}

const ONE_TIME = /^(otp|code|token|totp|one_time_code)$/i

function autocomplete(name: string, type: CredentialField["type"], first: boolean): string {
  if (ONE_TIME.test(name)) return "one-time-code"
  if (type === "password") return "current-password"
  return first || type === "email" ? "username" : "off"
}

/** The inputs of the login form, in the order of the credentials. */
export function credentialFields(schema: JsonSchema | null): CredentialField[] {
  const properties = schema?.properties ?? {
    email: { title: "Email" },
    password: { title: "Password", format: "password" },
  }
  return Object.entries(properties).map(([name, property], place) => {
    const secret = property.format === "password" || property.writeOnly === true
    const kind = typeof property.type === "string" ? property.type : "string"
    const type = secret ? "password" : property.format === "email" ? "email" : (TYPES[kind] ?? "text")
    const known = KNOWN[property.title ?? ""]
    return {
      name,
      label: known ? t(known) : (property.title ?? name),
      type,
      autocomplete: autocomplete(name, type, place === 0),
      required: schema?.required?.includes(name) ?? !schema,
    }
  })
}
