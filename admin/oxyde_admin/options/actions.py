"""`@action`: a method of a ModelAdmin as a button; and what it answers."""

from __future__ import annotations

import inspect
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Literal, TypeVar, get_args

import pydantic

__all__ = ["BUILT_IN_ACTIONS", "Action", "ActionResult", "Scope", "action", "actions_of"]

BUILT_IN_ACTIONS = ("view", "create", "change", "delete", "export", "import", "history")
"""What can be allowed on every model, in the order of answers."""

MARK = "__oxyde_admin_action__"

Scope = Literal["rows", "row", "model"]
TMethod = TypeVar("TMethod", bound=Callable[..., Awaitable[Any]])


@dataclass(slots=True)
class ActionResult:
    """What an action answers.

    `level` colours the message: success, info, warn or error. `refresh` reloads the page's data,
    `redirect` is a path to go to. `content` becomes a download called `filename`.
    """

    message: str | None = None
    level: str = "success"
    refresh: bool = True
    redirect: str | None = None
    filename: str | None = None
    content: bytes | AsyncIterator[bytes] | None = None


@dataclass(frozen=True, slots=True)
class _Declared:
    label: str
    scope: Scope
    confirm: str | None
    form: type[pydantic.BaseModel] | None
    icon: str | None
    takes: int


@dataclass(frozen=True, slots=True)
class Action:
    """A custom action of a registered model.

    `scope` rows: a selection, as a query; row: one record; model: nothing is selected. `takes` counts
    the arguments that the method wants.
    """

    name: str
    label: str
    scope: Scope
    confirm: str | None
    form: type[pydantic.BaseModel] | None
    icon: str | None
    takes: int
    method: Callable[..., Awaitable[Any]]

    async def run(self, ctx: Any, selected: Any = None, form: Any = None) -> ActionResult:
        """Calls the method with what it takes of context, selection and form; text is a message."""
        if self.scope == "model" and self.takes < 3:
            arguments = (ctx, form)[: self.takes]
        else:
            arguments = (ctx, selected, form)[: self.takes]
        result = await self.method(*arguments)
        if isinstance(result, ActionResult):
            return result
        if result is None or isinstance(result, str):
            return ActionResult(message=result)
        raise TypeError(
            f"action {self.name!r} gave {type(result).__name__}; it may give None, text or an ActionResult"
        )


def action(
    label: str,
    *,
    scope: Scope = "rows",
    confirm: str | None = None,
    form: type[pydantic.BaseModel] | None = None,
    icon: str | None = None,
) -> Callable[[TMethod], TMethod]:
    """Makes `async def name(self, ctx, rows, form)` a custom action.

    Scope "rows" gives the method the selection as a query, "row" one record, "model" nothing.
    `form` is a Pydantic model that is asked for before; without one the argument may be left out.
    `confirm` is a question; `{n}` in it is the number of rows.
    """
    if scope not in get_args(Scope):
        raise ValueError(f"action scope {scope!r} is unknown; one of {', '.join(get_args(Scope))}")
    if form is not None and not (isinstance(form, type) and issubclass(form, pydantic.BaseModel)):
        raise TypeError(f"action form takes a Pydantic model, not {form!r}")

    def mark(method: TMethod) -> TMethod:
        takes = _count(method, scope, form is not None)
        setattr(method, MARK, _Declared(label, scope, confirm, form, icon, takes))
        return method

    return mark


def _count(method: Callable[..., Any], scope: Scope, with_form: bool) -> int:
    """How many of context, selection and form the method takes after `self`."""
    least = (1 if scope == "model" else 2) + with_form
    signature = inspect.signature(method)
    for count in (3, 2, 1):
        try:
            signature.bind(None, *range(count))
        except TypeError:
            continue
        if count >= least:
            return count
    wanted = ["ctx", *(() if scope == "model" else ("rows" if scope == "rows" else "record",))]
    wanted += ["form"] if with_form else []
    raise TypeError(f"action {method.__name__!r} must take (self, {', '.join(wanted)})")


def actions_of(admin: object) -> dict[str, Action]:
    """The `@action` methods of a ModelAdmin by name, in the order of their definition."""
    found: dict[str, Action] = {}
    for cls in reversed(type(admin).__mro__):
        for name, value in vars(cls).items():
            found.pop(name, None)
            declared = getattr(value, MARK, None)
            if declared is not None:
                found[name] = Action(
                    name,
                    declared.label,
                    declared.scope,
                    declared.confirm,
                    declared.form,
                    declared.icon,
                    declared.takes,
                    getattr(admin, name),
                )
    return found
