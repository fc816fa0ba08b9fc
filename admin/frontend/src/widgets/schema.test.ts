import { describe, expect, it } from "vitest"

import { blank, plain, widgetOf, type FieldSchema } from "./schema"

const nullable = (schema: FieldSchema): FieldSchema => ({ anyOf: [schema, { type: "null" }] })

describe("widgetOf", () => {
  it.each<[string, FieldSchema]>([
    ["toggle", { type: "boolean", "x-db-kind": "boolean" }],
    ["tristate", { ...nullable({ type: "boolean" }), "x-db-kind": "boolean" }],
    ["number", { type: "integer", "x-db-kind": "big_integer" }],
    ["number", { anyOf: [{ type: "number" }, { type: "string", pattern: "x" }], "x-db-kind": "decimal" }],
    ["text", { type: "string", maxLength: 9, "x-db-kind": "string" }],
    ["textarea", { type: "string", "x-db-kind": "text" }],
    ["email", { type: "string", format: "email", "x-db-kind": "text" }],
    ["url", { type: "string", format: "uri", "x-db-kind": "text" }],
    ["password", { type: "string", format: "password", writeOnly: true, "x-db-kind": "text" }],
    ["select", { enum: ["a", "b"], type: "string", "x-db-kind": "text" }],
    ["select", { ...nullable({ enum: ["a"], type: "string" }), "x-db-kind": "enum" }],
    ["file", { type: "string", format: "binary", "x-db-kind": "blob" }],
    ["datetime", { type: "string", format: "date-time", "x-db-kind": "date_time_utc" }],
    ["duration", { type: "string", format: "duration", "x-db-kind": "timedelta" }],
    ["list", { type: "array", items: { type: "string" }, "x-db-kind": "array" }],
    ["list", { type: "array", "x-db-kind": "array", "x-db-array-item-type": "integer" }],
    ["multiselect", { type: "array", items: { enum: ["a"] }, "x-db-kind": "array" }],
    ["json", { type: "array", items: { type: "array", items: { type: "integer" } }, "x-db-kind": "array" }],
    ["json", { type: "object", additionalProperties: true, "x-db-kind": "json" }],
    ["nested", { type: "object", properties: { a: { type: "string" } }, "x-db-kind": "json" }],
    ["relation", { "x-db-foreign-key": { model: "depot", field: "id" }, "x-db-kind": "big_integer" }],
    ["relations", { type: "array", "x-db-m2m": true }],
    ["markdown", { type: "string", "x-db-kind": "text", "x-admin": { widget: "markdown" } }],
    ["json", {}],
  ])("%s", (name, schema) => expect(widgetOf(schema)).toBe(name))

  it("follows references, and stops in sub-models that contain themselves", () => {
    const node: FieldSchema = { type: "object", properties: { next: nullable({ $ref: "#/$defs/Node" }) } }
    expect(widgetOf({ $ref: "#/$defs/Node", "x-db-kind": "json" }, { Node: node })).toBe("nested")
    expect(widgetOf({ $ref: "#/$defs/Node" }, { Node: node }, 9)).toBe("json")
    expect(widgetOf({ type: "array", items: { $ref: "#/$defs/Node" }, "x-db-kind": "json" }, { Node: node })).toBe(
      "list",
    )
  })
})

describe("plain and blank", () => {
  it("says whether null may be entered; the column decides", () => {
    expect(plain(nullable({ type: "string" })).nullable).toBe(true)
    expect(plain({ type: "string", "x-db-nullable": true }).nullable).toBe(true)
    expect(plain({ type: ["string", "null"] })).toEqual({ schema: { type: "string" }, nullable: true })
  })

  it("starts with the default, else null, else the empty value of the kind", () => {
    const facts: FieldSchema = {
      type: "object",
      properties: {
        a: { type: "string" },
        b: nullable({ type: "integer" }),
        c: { type: "boolean", default: true },
      },
    }
    expect(blank({ $ref: "#/$defs/Facts" }, { Facts: facts })).toEqual({ a: "", b: null, c: true })
  })
})
