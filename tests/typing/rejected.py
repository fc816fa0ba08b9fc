"""Every line marked as wrong must be rejected by mypy, pyright and ty, and no other line."""

from __future__ import annotations

from oxyde import Field, Model, atomic, db


class Depot(Model):
    id: int | None = Field(default=None, db_pk=True)
    label: str
    capacity: int = 0

    class Meta:
        is_table = True


async def reading() -> None:
    text: str = await Depot.objects.count()  # wrong
    found: Depot = await Depot.objects.get_or_none(id=1)  # wrong
    names: list[str] = await Depot.objects.all()  # wrong
    Depot.objects.filter(label="x").limit("3")  # wrong
    Depot.objects.filter(label="x").no_such_method()  # wrong
    ids: list[int] = await Depot.objects.filter(label="x").values("id").all()  # wrong
    print(text, found, names, ids)


async def schemas() -> None:
    Depot.schema_class(includes=["id"])  # wrong
    Depot.schema_class(relations={"depot": 3})  # wrong
    await Depot.objects.all(as_=dict)  # wrong
    one: int = await Depot.objects.get(id=1, as_=Depot.schema_class())  # wrong
    print(one)


async def constructing() -> None:
    Depot(capacity=1)  # wrong
    Depot(label="x", capacity="many")  # wrong (ty knows that Pydantic converts)
    Depot(label="x").labl  # wrong  # noqa: B018


async def connecting() -> None:
    await db.init(default=5)  # wrong
    async with atomic(timeout="soon"):  # wrong
        pass


@atomic
async def decorated(number: int) -> str:
    return str(number)


async def calls_are_checked() -> None:
    await decorated("one")  # wrong
