export * as api from "./client";
export * from "./errors";
export * from "./keys";
export * from "./types";
export { isDownload, save, type Download } from "./http";
