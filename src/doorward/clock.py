"""What a site means by "now". Tokens, signatures and leases use real time instead."""

import json
import logging
import os
import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final, Protocol
from uuid import UUID

_NOT_AHEAD: Final = timedelta()
_MICROSECOND: Final = timedelta(microseconds=1)

_log = logging.getLogger(__name__)


class Clock(Protocol):
    """Tells a workspace's time."""

    def now(self, workspace_id: UUID) -> datetime:
        """The workspace's time, in UTC."""


class MovableClock:
    """The machine's time, and how far ahead of it each workspace is.

    kept: a file that holds it for a start at which the database cannot be asked; what the database
    says counts from the first look at it on.
    """

    def __init__(self, kept: Path | None = None) -> None:
        self._kept = kept
        self._ahead = _read(kept) if kept is not None else {}
        self._moved_at = -1.0

    def now(self, workspace_id: UUID) -> datetime:
        """The workspace's time, in UTC."""
        return datetime.now(UTC) + self._ahead.get(workspace_id, _NOT_AHEAD)

    def ahead(self, workspace_id: UUID) -> timedelta:
        """How far ahead of the machine's time the workspace is."""
        return self._ahead.get(workspace_id, _NOT_AHEAD)

    def moved(self, workspace_id: UUID, ahead: timedelta) -> None:
        """Takes what this process has committed: that a workspace is so far ahead.

        Of two that are told in the other order than they were committed in, the further one counts.
        """
        self._moved_at = time.monotonic()
        self._take({**self._ahead, workspace_id: max(ahead, self.ahead(workspace_id))})

    def heard(self, ahead: Mapping[UUID, timedelta], since: float) -> None:
        """What the database says of every workspace that is ahead.

        since: when it was asked, by time.monotonic(). A look that began before this process moved a
        clock may not have seen that, and is passed over; the next one is a moment away.
        """
        if since > self._moved_at:
            self._take(dict(ahead))

    def _take(self, ahead: dict[UUID, timedelta]) -> None:
        if ahead == self._ahead:
            return
        self._ahead = ahead
        if self._kept is not None:
            try:
                _write(self._kept, ahead)
            except OSError as trouble:
                _log.error("%s cannot be written: %s", self._kept, trouble)


def _read(kept: Path) -> dict[UUID, timedelta]:
    try:
        read = json.loads(kept.read_text("utf-8"))
        return {UUID(key): timedelta(microseconds=ahead) for key, ahead in read.items()}
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, TypeError, AttributeError, OverflowError) as trouble:
        # It is a copy: the database has the original.
        _log.warning("%s cannot be read: %s", kept, trouble)
        return {}


def _write(kept: Path, ahead: Mapping[UUID, timedelta]) -> None:
    text = json.dumps({str(key): each // _MICROSECOND for key, each in ahead.items()})
    fresh = kept.with_suffix(".new")
    with fresh.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(kept)
