"""Publishing itself: looked at, planned and written, again where somebody else wrote meanwhile."""

from __future__ import annotations

import contextlib
import difflib
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from cardcallback.publishing.place import Change, Place
from cardcallback.publishing.plan import Plan, Wishes, plan_publication
from cardcallback.publishing.source import Source
from cardcallback.writing import FileChangedError

# Somebody who saves while a card is composed costs one more composition; one who saves for ever does not.
_ATTEMPTS = 3


@dataclass(frozen=True, kw_only=True, slots=True)
class Published:
    """What was planned, and where it is now; ``where`` is None where there was nothing to change."""

    plan: Plan
    where: str | None


def publish(opened: Callable[[], Place], source: Source, wishes: Wishes) -> Published:
    """Complete the card of a place, with pictures and record beside it.

    Args:
        opened: looks at the place as it is now; asked again where it changed meanwhile.
        source: what to publish.
        wishes: how much, and over what.

    Raises:
        CardCallbackError: it cannot be done; the place is as it was.
    """
    for _ in range(_ATTEMPTS - 1):
        with contextlib.suppress(FileChangedError):
            return _once(opened(), source, wishes)
    return _once(opened(), source, wishes)


def _once(place: Place, source: Source, wishes: Wishes) -> Published:
    plan = plan_publication(source, place, wishes)
    return Published(plan=plan, where=place.write(plan.changes) if plan.changes else None)


def preview(changes: tuple[Change, ...]) -> Iterator[str]:
    """Lines that show what would change: each file, and of a card the difference."""
    for change in changes:
        yield f"{'new' if change.before is None else 'changed'}: {change.path} ({len(change.after):,} bytes)"
    for change in changes:
        if change.path.lower().endswith(".md"):
            before, after = (_lines(content) for content in (change.before or b"", change.after))
            yield from difflib.unified_diff(
                before, after, f"{change.path} now", f"{change.path} then", lineterm="", n=1
            )


def _lines(content: bytes) -> list[str]:
    return content.decode("utf-8").splitlines()
