"""A workspace's time: /doorward/simulate/advance_time."""

from doorward.resources.values import Resource, Timestamp


class WorkspaceTime(Resource, frozen=True, kw_only=True):
    """What time it is in a workspace, and how far that is ahead of real time."""

    now: Timestamp
    seconds_ahead: float
