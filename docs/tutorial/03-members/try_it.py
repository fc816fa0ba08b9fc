"""Writes and reads members."""

import asyncio

from oxyde import Q, UniqueViolationError, db
from trailbook.models import Member, Role


async def main() -> None:
    async with db.connect("sqlite:///trailbook.db"):
        await Member.objects.create(handle="marta", email="marta@club.example", role=Role.ADMIN)
        await Member.objects.bulk_create(
            [
                Member(handle="aiko", email="aiko@club.example", role=Role.EDITOR),
                Member(handle="joão", email="joao@club.example", active=False),
            ]
        )
        try:
            await Member.objects.create(handle="marta", email="second@club.example")
        except UniqueViolationError as error:
            print("taken:", error.column)

        trusted = Q(role=Role.ADMIN) | Q(role=Role.EDITOR)
        for member in await Member.objects.filter(trusted, active=True).order_by("handle").all():
            print(member.handle, member.role.value, member.joined.tzinfo)

        changed = await Member.objects.filter(active=False).update(active=True)
        print(changed, "is back;", await Member.objects.filter(role="reader").count(), "reads")


asyncio.run(main())
