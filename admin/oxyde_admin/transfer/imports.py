"""Import: every line is written as a single call would write it; all of them or none (contract, 7.6)."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, Any

from .. import audit
from ..exceptions import (
    AdminError,
    ConflictError,
    ErrorEntry,
    InvalidDataError,
    InvalidParameterError,
    RecordNotFoundError,
)
from ..rows.links import linked
from ..values.keys import Key, key_of_json
from ..writes.change import change
from ..writes.create import create
from ..writes.stored import locked
from ..writes.unit import writing
from .cells import Cell, cell, is_structured, link_cell
from .csv_text import text_of
from .table import Line, Table, parse, resolve

if TYPE_CHECKING:
    from ..http.call import Call
    from ..options.resource import AdminField
    from ..security.rights import Rights

__all__ = ["run"]

MODES = {"create": ("create",), "update": ("change",), "upsert": ("create", "change")}
MOST_ERRORS = 200
BATCH = 200
EVERY_LINK = 2**31


@dataclass(slots=True)
class _Report:
    """What became of the lines."""

    dry_run: bool
    rows: int
    created: int = 0
    updated: int = 0
    unchanged: int = 0
    error_count: int = 0
    errors: list[ErrorEntry] = field(default_factory=list)

    def add(self, number: int, entries: Sequence[ErrorEntry]) -> None:
        self.error_count += len(entries)
        room = MOST_ERRORS - len(self.errors)
        self.errors.extend({**entry, "row": number} for entry in entries[:room])

    @property
    def counts(self) -> dict[str, int]:
        return {"created": self.created, "updated": self.updated, "unchanged": self.unchanged}

    @property
    def content(self) -> dict[str, Any]:
        head = {"dry_run": self.dry_run, "rows": self.rows, **self.counts}
        return {**head, "error_count": self.error_count, "errors": [dict(entry) for entry in self.errors]}


class _Failed(Exception):
    """Some line cannot be written: everything rolls back."""


async def run(call: Call, rights: Rights) -> dict[str, Any]:
    """Imports the table of the body, or tries to: what the answer says of it."""
    mode = call.argument("mode") or "create"
    if mode not in MODES:
        raise InvalidParameterError("mode is create, update or upsert.")
    await rights.require("import")
    for action in MODES[mode]:
        await rights.require(action)
    settings = call.site.settings
    text = await call.text("text/csv", settings.max_import_bytes)
    header, lines = await asyncio.to_thread(parse, text, settings.max_import_rows)
    table = Table(await resolve(rights, header), lines)
    if mode != "create" and not table.names.issuperset(rights.resource.keys):
        raise InvalidParameterError("Without all parts of the key no record can be found.")
    report = _Report(call.argument("dry_run") != "false", len(lines))
    try:
        async with writing(rights, dry=report.dry_run) as client:
            await _Import(call, rights, client, report).run(table, mode)
            if report.error_count:
                raise _Failed
            facts = {"mode": mode, "rows": report.rows, **report.counts}
            rights.ctx.client = client
            await audit.entry(call.site, rights.ctx, "import", rights.resource, changes=facts)
    except _Failed:
        if not report.dry_run:
            counted = {name: value for name, value in report.content.items() if name != "errors"}
            raise InvalidDataError(errors=report.errors, extra=counted) from None
    return report.content


class _Import:
    """One import in one transaction."""

    def __init__(self, call: Call, rights: Rights, client: Any, report: _Report) -> None:
        self.call = call
        self.client = client
        self.report = report
        self.resource = rights.resource
        # Hooks learn from their context what happens to the record, not that an import does it.
        self.creating = call.rights(rights.resource, "create")
        self.changing = call.rights(rights.resource, "change")
        self.seen: set[Key] = set()

    async def run(self, table: Table, mode: str) -> None:
        """Writes line by line; a line that fails is undone alone, so that all errors are found."""
        lines = table.parsed(new=mode == "create")
        while batch := list(islice(lines, BATCH)):
            await self._batch(batch, mode)

    async def _batch(self, lines: Sequence[Line], mode: str) -> None:
        keys = {} if mode == "create" else self._keys(lines)
        records = {
            self.resource.key_of(record): record
            for record in await locked(self.changing, list(dict.fromkeys(keys.values())), self.client)
        }
        texts = await self._texts(list(records.values()), lines)
        for line in lines:
            if line.errors:
                self.report.add(line.number, line.errors)
                continue
            try:
                async with self.client.savepoint():
                    await self._line(line, mode, keys.get(line.number), records, texts)
            except (InvalidDataError, ConflictError, RecordNotFoundError) as error:
                self.report.add(line.number, _entries(error))

    def _keys(self, lines: Sequence[Line]) -> dict[int, Key]:
        """The keys by line. A line without one is new; one whose key cannot be read finds nothing."""
        keys: dict[int, Key] = {}
        for line in lines:
            parts = [line.data.get(name) for name in self.resource.keys]
            if all(part is None for part in parts):
                continue
            loc: list[str | int] = [self.resource.keys[0]]
            try:
                key = key_of_json(self.resource, parts[0] if len(parts) == 1 else parts)
            except AdminError:
                line.errors.append({"type": "not_found", "loc": loc, "msg": "This can be no key."})
                continue
            if key in self.seen:
                line.errors.append({"type": "invalid", "loc": loc, "msg": "This key is there twice."})
            self.seen.add(key)
            keys[line.number] = key
        return keys

    async def _line(
        self,
        line: Line,
        mode: str,
        key: Key | None,
        records: Mapping[Key, Any],
        texts: Mapping[Key, Mapping[str, str | None]],
    ) -> None:
        record = records.get(key) if key is not None else None
        if record is not None and key is not None:
            await self._change(line, record, texts[key])
        elif mode == "update" or (key is not None and self._generates_keys()):
            raise RecordNotFoundError
        else:
            await create(self.call, self.creating, self._new(line), self.client)
            self.report.created += 1

    async def _change(self, line: Line, record: Any, stored: Mapping[str, str | None]) -> None:
        data = {
            name: value
            for name, value in line.data.items()
            if name not in self.resource.keys
            and not _same(stored.get(name), line.texts[name], self.resource.fields[name])
        }
        changed = await change(self.call, self.changing, record, data, self.client) if data else record
        if changed is record:
            self.report.unchanged += 1
        else:
            self.report.updated += 1

    def _generates_keys(self) -> bool:
        """Whether a new record could not have the key that its line gives."""
        return any(self.resource.fields[name].generated for name in self.resource.keys)

    def _new(self, line: Line) -> dict[str, Any]:
        """The data of a new record: an empty cell of what cannot be NULL is left to its default."""
        fields = self.resource.fields
        return {n: v for n, v in line.data.items() if v is not None or fields[n].nullable}

    async def _texts(self, records: Sequence[Any], lines: Sequence[Line]) -> dict[Key, dict[str, str | None]]:
        """What an export would say of the records: a cell with the same text changes nothing."""
        names = lines[0].texts.keys() if lines else ()
        visible = await self.changing.visible()
        wanted = [each for each in visible if each.name in names]
        held = [vars(record) for record in records]
        relations = [each.name for each in wanted if each.shape == "many_to_many"]
        links = await linked(self.changing, held, visible, EVERY_LINK, client=self.client, names=relations)
        found: dict[Key, dict[str, str | None]] = {}
        for index, record in enumerate(records):
            targets = links.of(index)
            texts: dict[str, str | None] = {
                each.name: _text(cell(held[index][each.name], each))
                for each in wanted
                if each.shape == "column" and each.name in held[index]
            }
            for each in wanted:
                if each.shape == "many_to_many" and each.target is not None:
                    keys = each.target._db_meta.pk_fields
                    texts[each.name] = text_of(link_cell(targets[each.name], keys))
            found[self.resource.key_of(record)] = texts
        return found


def _same(stored: str | None, given: str | None, about: AdminField) -> bool:
    """Whether two cells hold the same; of JSON not how, since databases order its members anew."""
    if stored == given or stored is None or given is None or not is_structured(about):
        return stored == given
    return bool(json.loads(stored) == json.loads(given))


def _text(value: Cell) -> str | None:
    return None if value is None else text_of(value)


def _entries(error: AdminError) -> list[ErrorEntry]:
    return list(error.errors) or [{"type": error.code, "loc": [], "msg": error.detail}]
