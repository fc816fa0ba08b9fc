import type { enRecord } from "./en.record";
import type { Entry } from "./index";

export const deRecord: Record<keyof typeof enRecord, Entry> = {};
