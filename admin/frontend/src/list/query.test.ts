import { describe, expect, it } from "vitest"
import { queryOf, requestOf, restarted, sorted, stateFrom } from "./query"

describe("the address of a list", () => {
  const query = { search: "x", ordering: "-a,b", page: "3", kg__gte: "2", empty: "" }

  it("holds filters under the names of the API", () => {
    expect(stateFrom(query, 100).filters).toEqual({ kg__gte: "2" })
  })
  it("comes back as it was", () => {
    expect(queryOf(stateFrom(query, 100))).toEqual({ search: "x", ordering: "-a,b", page: "3", kg__gte: "2" })
  })
  it("never asks for more rows than allowed", () => {
    expect(stateFrom({ per_page: "5000" }, 100).perPage).toBe(100)
  })
  it("has a position or a page, not both", () => {
    expect(requestOf({ ...stateFrom({ page: "3" }, 100), after: "z" })).toMatchObject({ page: undefined, after: "z" })
  })
  it("begins anew when the rows change", () => {
    expect(restarted(stateFrom({ page: "3", after: "z" }, 100), { search: "y" })).toMatchObject({
      page: 1,
      after: null,
      search: "y",
    })
  })
})

describe("sorting", () => {
  it("goes up, down and back", () => {
    expect(sorted([], "a", false)).toEqual(["a"])
    expect(sorted(["a"], "a", false)).toEqual(["-a"])
    expect(sorted(["-a"], "a", false)).toEqual([])
  })
  it("keeps other columns when asked", () => {
    expect(sorted(["a"], "b", true)).toEqual(["a", "b"])
    expect(sorted(["a", "b"], "a", true)).toEqual(["-a", "b"])
    expect(sorted(["-a", "b"], "a", true)).toEqual(["b"])
  })
})
