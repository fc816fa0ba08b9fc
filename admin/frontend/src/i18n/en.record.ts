import type { Entry } from "./index";

/** Texts of the record page and the widgets. */
export const enRecord = {} satisfies Record<string, Entry>;
