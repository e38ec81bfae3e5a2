"""What a site means by "now". Tokens, signatures and leases use real time instead."""

from datetime import UTC, datetime
from typing import Protocol
from uuid import UUID


class Clock(Protocol):
    """Tells a workspace's time; tests and sandbox workspaces can move it."""

    def now(self, workspace_id: UUID) -> datetime:
        """The workspace's time, in UTC."""


class SystemClock:
    """The machine's time for every workspace."""

    def now(self, workspace_id: UUID) -> datetime:  # noqa: ARG002 - every workspace has one time here
        """The machine's time, in UTC."""
        return datetime.now(UTC)
