"""Durations as ISO 8601 text, exact to the microsecond."""

from __future__ import annotations

from datetime import timedelta

__all__ = ["duration_text"]


def duration_text(value: timedelta) -> str:
    """The duration in days and seconds, such as "P2DT0.5S"; a sign stands before all of it."""
    sign = "-" if value < timedelta(0) else ""
    value = abs(value)
    seconds = str(value.seconds)
    if value.microseconds:
        seconds += f".{value.microseconds:06d}".rstrip("0")
    days = f"{value.days}D" if value.days else ""
    time = f"T{seconds}S" if value.seconds or value.microseconds or not days else ""
    return f"{sign}P{days}{time}"
