import { describe, expect, it } from "vitest"

import type { ModelSchema } from "@/api"
import { Exact } from "@/api/json"
import { widgetOf } from "@/widgets/schema"
import { Draft } from "./draft"
import { changeBody, createBody, differences, errorsOf, fieldSets, fieldsOf, initialOf, type Values } from "./fields"

const model = {
  type: "object",
  required: ["name", "active"],
  properties: {
    id: { type: "integer", "x-db-primary-key": true, "x-db-readonly": true, "x-admin": { create: false } },
    name: { type: "string", "x-db-kind": "string" },
    active: { type: "boolean", "x-db-kind": "boolean" },
    note: { anyOf: [{ type: "string" }, { type: "null" }], "x-db-kind": "string", "x-db-nullable": true },
    made: { type: "string", "x-db-kind": "date_time", "x-db-default": "now()" },
    depot_id: { type: "integer", "x-db-kind": "big_integer" },
    depot: {
      "x-db-foreign-key": { model: "depot", field: "id" },
      "x-db-column": "depot_id",
      "x-db-target": "depot",
    },
    labels: { type: "array", "x-db-m2m": true, "x-db-target": "label" },
  },
  "x-admin": { permissions: [], actions: [], inlines: [], fieldsets: null, columns: [], version_field: null },
} as unknown as ModelSchema

const fields = fieldsOf(model)
const named = (name: string) => fields.find((field) => field.name === name)!

describe("fields", () => {
  it("edit a foreign key under its id, once", () => {
    expect(fields.map((field) => field.name)).toEqual(["id", "name", "active", "note", "made", "depot_id", "labels"])
    expect(widgetOf(named("depot_id").schema)).toBe("relation")
    expect(errorsOf(named("depot_id"), [{ type: "x", loc: ["depot", 1], msg: "" }])).toMatchObject([{ loc: [1] }])
  })

  it("come in the declared groups", () => {
    const grouped = {
      ...model,
      "x-admin": {
        ...model["x-admin"],
        fieldsets: [
          ["A", ["depot", "name"]],
          ["B", ["gone"]],
        ],
      },
    }
    expect(
      fieldSets(grouped as ModelSchema, fields).map((set) => [set.title, set.fields.map((field) => field.name)]),
    ).toEqual([
      ["A", ["depot_id", "name"]],
      ["", ["id", "active", "note", "made", "labels"]],
    ])
  })
})

it("reads the computed columns that the form names", () => {
  const hints = {
    ...model["x-admin"],
    form_fields: ["kg", "name"],
    columns: [
      { name: "kg", label: "Weight, kg", kind: "double" },
      { name: "other", label: "Other", kind: null },
    ],
  }
  const [kg, ...rest] = fieldsOf({ ...model, "x-admin": hints })
  expect(kg).toMatchObject({ name: "kg", label: "Weight, kg", create: false, change: false })
  expect(widgetOf(kg!.schema)).toBe("number")
  expect(rest.map((field) => field.name)).toEqual(["name"])
})

it("edits a key as such where the target is not to be seen", () => {
  const { "x-db-foreign-key": _, "x-db-target": __, ...depot } = model.properties["depot"]!
  const hidden = { ...model, properties: { ...model.properties, depot } } as ModelSchema
  const field = fieldsOf(hidden).find((one) => one.name === "depot_id")!
  expect(field.aliases).toEqual(["depot_id", "depot"])
  expect(widgetOf(field.schema)).toBe("relation")
})

it("keeps to the order of forms", () => {
  const ordered = { ...model, "x-admin": { ...model["x-admin"], form_fields: ["depot", "name"] } }
  expect(fieldsOf(ordered).map((field) => field.name)).toEqual(["depot_id", "name"])
})

describe("a new record", () => {
  const base: Values = Object.fromEntries(fields.map((field) => [field.name, initialOf(field, {})]))

  it("starts untouched, and sends what is required", () => {
    expect(base).toEqual({
      id: undefined,
      name: undefined,
      active: false,
      note: null,
      made: undefined,
      depot_id: undefined,
      labels: [],
    })
    expect(createBody(fields, base, base)).toEqual({ active: false })
  })

  it("sends emptied texts, never the generated key", () => {
    expect(createBody(fields, base, { ...base, id: 3, name: "", note: "" })).toEqual({
      active: false,
      name: "",
      note: "",
    })
  })
})

describe("a stored record", () => {
  const base: Values = {
    id: 1,
    name: "a",
    active: true,
    note: null,
    depot_id: new Exact("9007199254740993"),
    labels: [1, 2],
  }

  it("sends changed fields only, links as what came and went", () => {
    expect(changeBody(fields, base, { ...base })).toEqual({})
    expect(changeBody(fields, base, { ...base, note: "", labels: [2, 3], id: 9 })).toEqual({
      note: "",
      labels: { add: [3], remove: [1] },
    })
    expect(changeBody(fields, base, { ...base, depot_id: new Exact("9007199254740993") })).toEqual({})
  })

  it("compares three versions", () => {
    const found = differences(
      fields,
      base,
      { ...base, name: "mine", note: "x" },
      { ...base, name: "theirs", active: false, note: "x" },
    )
    expect(found.map((one) => [one.field.name, one.clash])).toEqual([
      ["name", true],
      ["active", false],
      ["note", false],
    ])
  })
})

describe("a record that keeps fields", () => {
  const sent = (readonly: string[] | null): object => {
    const draft = new Draft(model)
    draft.fixed.value = readonly
    for (const name of ["id", "note", "depot_id"]) draft.set(name, 3)
    return draft.changeBody()
  }

  it("says itself which; else its schema does", () => {
    expect(sent(null)).toEqual({ note: 3, depot_id: 3 })
    expect(sent(["id", "note", "depot"])).toEqual({})
    expect(sent([])).toEqual({ id: 3, note: 3, depot_id: 3 })
  })
})
