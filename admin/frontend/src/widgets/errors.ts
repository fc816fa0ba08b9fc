/** Errors of parts: an entry's `loc` leads from a value to the part that is wrong. */

import type { ErrorEntry } from "@/api"

/** The errors of one member or item, `loc` counted from it. */
export function inside(errors: readonly ErrorEntry[], step: string | number): ErrorEntry[] {
  return errors
    .filter((error) => String(error.loc[0]) === String(step) && error.loc.length > 0)
    .map((error) => ({ ...error, loc: error.loc.slice(1) }))
}

/** The errors of the value itself, and those in a depth that no input stands for. */
export function own(errors: readonly ErrorEntry[], deep: boolean): ErrorEntry[] {
  return deep ? errors.filter((error) => error.loc.length === 0) : [...errors]
}
