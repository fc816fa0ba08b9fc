"""Writes trails all at once or not at all, and many at a time."""

import asyncio
from datetime import timedelta

from oxyde import ForeignKeyViolationError, atomic, db
from trailbook.errors import Problem
from trailbook.models import Label, Member, Trail, TrailLabel
from trailbook.queries import place_labels, touch, trail_detail
from trailbook.settings import Settings
from trailbook.slugs import slugify, with_free_slug


async def write_trail(author: Member, title: str, label_ids: list[int]) -> int:
    """A trail with its labels; the key."""

    async def write(slug: str) -> Trail:
        return await Trail.objects.create(
            title=title, slug=slug, length_km=8, walking_time=timedelta(hours=2), author=author
        )

    async with atomic():
        trail = await with_free_slug(slugify(title, "trail"), write)
        assert trail.id is not None
        await place_labels(trail.id, label_ids)
    return trail.id


async def main() -> None:
    async with db.connect(Settings.from_environment().database_url):
        marta = await Member.objects.create(handle="marta", email="marta@club.example")
        lake = await Label.objects.create(name="Lake", slug="lake")
        assert lake.id is not None

        try:
            await write_trail(marta, "Heron Ridge", [lake.id, 99])
        except ForeignKeyViolationError:
            trails, links = await Trail.objects.count(), await TrailLabel.objects.count()
            print("no label 99:", trails, "trails,", links, "links")

        ridge = await write_trail(marta, "Heron Ridge", [lake.id, lake.id])
        await asyncio.gather(*[write_trail(marta, "C++", []) for _ in range(4)])
        await write_trail(marta, "!!!", [])
        print(await Trail.objects.order_by("id").values_list("slug", flat=True).all())

        await asyncio.gather(*[Trail.objects.filter(id=ridge).increment("views") for _ in range(20)])
        await touch(ridge, 1, title="Heron Ridge and back")
        try:
            await touch(ridge, 1, title="Something else")
        except Problem as error:
            print(error.status, error.detail)
        seen = await trail_detail(ridge)
        print(seen.title, "- views", seen.views, "- version", seen.version)


asyncio.run(main())
