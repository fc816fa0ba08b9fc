export * from "./dates"
export * from "./errors"
export * from "./numbers"
export * from "./values"
