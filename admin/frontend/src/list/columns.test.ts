import { expect, it } from "vitest"
import type { ModelSchema } from "@/api"
import { Exact } from "@/api/json"
import { allColumns, numericColumns } from "./columns"

const schema = {
  properties: {
    weight: { "x-db-kind": "big_integer" },
    code: { "x-db-kind": "string" },
    total: { type: "string", "x-db-kind": "decimal", "x-db-readonly": true },
  },
  "x-admin": {
    columns: [
      { name: "kg", label: "kg", kind: "double" },
      { name: "due", label: "Due", kind: "date" },
      { name: "score", label: "Score", kind: null },
      { name: "state", label: "State", kind: null },
      { name: "nothing", label: "Nothing", kind: null },
    ],
  },
} as unknown as ModelSchema

it("tells numbers by kind, and by values where no kind is known", () => {
  const rows = [
    { weight: 1, code: 7, total: "1.50", kg: null, due: 3, score: null, state: "7", nothing: null },
    { weight: 1, code: 7, total: "1.50", kg: null, due: 3, score: new Exact("1.10"), state: 7, nothing: null },
    { weight: 1, code: 7, total: "1.50", kg: null, due: 3, score: 2, state: 7, nothing: null },
  ]
  expect([...numericColumns(allColumns(schema), rows)]).toEqual(["weight", "total", "kg", "score"])
})
