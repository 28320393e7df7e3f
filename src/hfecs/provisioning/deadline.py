"""Deadlines: until when machines may run, unless renewed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

NEVER = "never"
# The share of its time after which a deadline is worth a call to renew it.
SLACK = 0.05


@dataclass(frozen=True)
class Deadline:
    """The moment at which machines shut down; None is never. Written as 2026-01-31T12:00:00Z.

    `at_least` says that a later one may stay as well.
    """

    at: datetime | None = None
    slack: timedelta = timedelta()
    at_least: bool = False

    @classmethod
    def after(cls, hours: float, now: datetime, *, at_least: bool = False) -> Deadline:
        """This many hours from now; never for 0."""
        if not hours:
            return cls(at_least=at_least)
        length = timedelta(hours=hours)
        return cls((now + length).replace(microsecond=0), SLACK * length, at_least)

    def __str__(self) -> str:
        return NEVER if self.at is None else self.at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

    def is_right(self, known: str | None, *, planning: bool = False) -> bool:
        """Whether the current deadline may stay; a plan ignores the time that has passed."""
        standing = moment(known)
        if self.at_least and known == NEVER:
            return True
        if self.at is None or standing is None:
            return known == str(self)
        is_early_enough = self.at_least or standing - self.at <= self.slack
        return is_early_enough and (planning or self.at - standing <= self.slack)


def moment(text: str | None) -> datetime | None:
    """The time in a tag; None for never, for an absent tag and for an invalid time."""
    try:
        return datetime.strptime(text or "", "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
    except ValueError:
        return None
