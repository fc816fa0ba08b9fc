"""Where the panel lies: taking apart the path of a request (contract, 5)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, unquote

__all__ = ["locate", "locate_by_rest", "raw_path", "split_path"]

_PLAIN = "/:@!$&'()*+,;=~-._"


def raw_path(scope: Mapping[str, Any]) -> str:
    """The percent-encoded path; of servers that only give the decoded one, that encoded again."""
    raw = scope.get("raw_path")
    if raw is None:
        return quote(scope["path"], safe=_PLAIN)
    # Some servers leave the query in it.
    return str(raw, "latin-1").partition("?")[0]


def locate(scope: Mapping[str, Any], root: str, prefix: str) -> tuple[str, str]:
    """The mount as the browser sees it, and the raw path below.

    `root` is what a proxy strips; servers put it in front of the path again, or do not. `prefix` is
    where the panel lies in the application. Both are decoded.
    """
    path = scope["path"]
    consumed = next((known for known in (root + prefix, prefix) if _is_within(path, known)), "")
    return encoded_mount(root + prefix), split_path(raw_path(scope), _count(consumed))


def locate_by_rest(scope: Mapping[str, Any], rest: str) -> tuple[str, str]:
    """The same where only the decoded path below the mount is known."""
    raw, root = raw_path(scope), scope.get("root_path", "").rstrip("/")
    leading = unquote(raw).strip("/").split("/")[: _count(unquote(raw)) - _count(rest)]
    mount = "/" + "/".join(part for part in leading if part) if any(leading) else ""
    below = split_path(raw, _count(mount))
    return encoded_mount(mount if _is_within(mount, root) else root + mount), below


def encoded_mount(mount: str) -> str:
    """A decoded mount path as it stands in addresses, without a slash at its end."""
    return quote(mount.rstrip("/"), safe=_PLAIN)


def split_path(raw: str, segments: int) -> str:
    """What is left of a raw path behind its first segments; empty ones do not count."""
    position = 0
    for _ in range(segments):
        while raw.startswith("/", position):
            position += 1
        end = raw.find("/", position)
        position = len(raw) if end < 0 else end
    return raw[position:]


def _is_within(path: str, prefix: str) -> bool:
    return path == prefix or path.startswith(prefix.rstrip("/") + "/")


def _count(path: str) -> int:
    return sum(1 for segment in path.split("/") if segment)
