"""What starting costs: `import oxyde` beside `import pydantic`, and 200 models of 20 fields.

`python -m benchmarks.startup`. Processor time of fresh interpreters that take turns, the least of
several rounds: the wall clock would also measure what else the machine does.
"""

from __future__ import annotations

import os
import subprocess
import sys

MODELS, FIELDS = 200, 20
KINDS = ("int", "str", "float", "bool", "bytes | None")
_FIELDS = "\n".join(f"    f{number}: {KINDS[number % len(KINDS)]}" for number in range(FIELDS - 1))
_MODELS = f"""
import time
SOURCE = [compile("class M%d(Base):\\n    id: int | None = Field(default=None, title='id')\\n" % n
                  + {_FIELDS!r} + {{tail!r}}, "models", "exec") for n in range({MODELS})]
began = time.process_time()
for code in SOURCE:
    exec(code)
made = time.process_time()
{{then}}
print(made - began, time.process_time() - made)
"""
PROGRAMS = {
    "import nothing": "print(0, 0)",
    "import pydantic": "import pydantic; print(0, 0)",
    "import oxyde": "import oxyde; print(0, 0)",
    "pydantic, classes": "from pydantic import BaseModel as Base, Field" + _MODELS.format(tail="", then=""),
    "oxyde, tables": "from oxyde import Model as Base, Field; from oxyde import Query"
    + _MODELS.format(
        tail="\n    class Meta:\n        is_table = True\n",
        then="for n in range(200): globals()['M%d' % n].__oxyde_plan__",
    ),
}


def cost(program: str) -> tuple[float, float, float]:
    """Processor seconds: of the whole process, of the class statements, of the first use."""
    before = os.times()
    printed = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
    after = os.times()
    classes, plans = map(float, printed.stdout.split())
    spent = after.children_user + after.children_system - before.children_user - before.children_system
    return spent, classes, plans


def main(rounds: int = 10) -> None:
    """Prints the table and whether the budget of `import oxyde` is kept."""
    least = dict.fromkeys(PROGRAMS, (9.0, 9.0, 9.0))
    for _ in range(rounds):
        for name, program in PROGRAMS.items():
            least[name] = tuple(map(min, least[name], cost(program)))  # type: ignore[assignment]
    bare, pydantic, oxyde = (least[f"import {name}"][0] * 1e3 for name in ("nothing", "pydantic", "oxyde"))
    budget = 1.15 * pydantic + 30
    verdict = "kept" if oxyde <= budget else "MISSED"
    print(f"Python alone {bare:.0f} ms, import pydantic {pydantic:.0f} ms, import oxyde {oxyde:.0f} ms")
    print(f"budget, 1.15 x pydantic + 30 ms: {budget:.0f} ms, {verdict}")
    _, classes, _ = least["pydantic, classes"]
    _, tables, plans = least["oxyde, tables"]
    each = 1e3 / MODELS
    print(f"a class of {FIELDS} fields: pydantic {classes * each:.2f} ms, oxyde {tables * each:.2f} ms")
    print(f"its plan, made by its first query: {plans * each:.2f} ms")


if __name__ == "__main__":
    main()
