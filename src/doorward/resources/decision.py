"""A decision at a door, and the explanation of one: /doorward/doors/present and /decisions."""

from typing import Literal
from uuid import UUID

from doorward.resources.values import Resource, Timestamp


class Decision(Resource, frozen=True, kw_only=True):
    """What a door answered. `rule` is the rung of the ladder that decided."""

    outcome: Literal["allow", "deny", "need"]
    reason: str
    rule: int
    cause: str | None
    acs_entrance_id: UUID
    acs_user_id: UUID | None
    acs_credential_id: UUID | None
    policy_revision: int
    decided_at: Timestamp


class ExplainedRung(Resource, frozen=True, kw_only=True):
    """One rung of the ladder: whether it decides, and what it looked at."""

    rule: int
    name: str
    verdict: Literal["passed", "decides", "not_reached"]
    reason: str | None
    detail: str | None


class AccessPath(Resource, frozen=True, kw_only=True):
    """One way in: the group, the credential or (for a grant) the person that has it, and when; null
    is without a bound.
    """

    source: Literal["access_group", "credential", "grant"]
    source_id: UUID
    name: str
    starts_at: Timestamp | None
    ends_at: Timestamp | None


class Explanation(Resource, frozen=True, kw_only=True):
    """Why a person may or may not pass an entrance at an instant, rung by rung."""

    outcome: Literal["allow", "deny", "need"]
    reason: str
    rule: int
    policy_revision: int
    at: Timestamp
    acs_user_id: UUID
    acs_entrance_id: UUID
    acs_credential_id: UUID | None
    rungs: list[ExplainedRung]
    paths: list[AccessPath]
