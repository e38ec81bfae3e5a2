"""The decision as one would tell it: straight from the ladder and a pile of facts, no index.

Slow, and written without a look at the fast form, so that the two can be held against each other.
"""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from typing import TypeVar
from uuid import UUID

from doorward.policy.facts import (
    NO_KEY,
    CredentialState,
    EntranceState,
    Fact,
    GroupState,
    Kind,
    UserState,
    Window,
    decode_state,
)
from doorward.policy.model import Card, Decision, DoorState, Named, Request

T = TypeVar("T")
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def what_holds(facts: Iterable[Fact]) -> list[Fact]:
    """The newest fact of each key, without those that are gone."""
    newest: dict[tuple[Kind, UUID, UUID], Fact] = {}
    for fact in facts:
        key = (fact.kind, fact.key_a, fact.key_b)
        if key not in newest or newest[key].revision < fact.revision:
            newest[key] = fact
    return [fact for fact in newest.values() if fact.state is not None]


class Holder:
    """Somebody's credential, and whose it is."""

    def __init__(self, world: "World", fact: Fact) -> None:
        self.credential_id = fact.key_a
        self.has_owner = fact.key_b != NO_KEY
        self.credential = declared(fact, CredentialState)
        users = [declared(one, UserState) for one in world.all(Kind.USER, a=fact.key_b)]
        self.user = users[0] if users else None
        self.user_id = fact.key_b if users else None

    def is_used_from(self) -> tuple[str, ...]:
        is_key = self.credential.access_method == "cloud_key"
        return ("remote",) if is_key else ("card", "code")

    def times_used(self, state: DoorState) -> int:
        """The highest number that anybody has told of each controller, summed up."""
        told = dict(self.credential.uses)
        if self.credential_id in state.uses:
            here = str(state.controller_id)
            told[here] = max(told.get(here, 0), state.uses[self.credential_id])
        return sum(told.values())


class World:
    """The facts that hold, and what follows from them at one instant."""

    def __init__(
        self, facts: Iterable[Fact], revision: int, instant: datetime, state: DoorState
    ) -> None:
        self.facts = what_holds(facts)
        self.revision = revision
        self.instant = instant
        self.state = state

    def all(self, kind: Kind, a: UUID | None = None, b: UUID | None = None) -> Iterator[Fact]:
        for fact in self.facts:
            if fact.kind is kind and a in (None, fact.key_a) and b in (None, fact.key_b):
                yield fact

    def has(self, kind: Kind, a: UUID, b: UUID) -> bool:
        return any(self.all(kind, a, b))

    def is_open(self, window: Window) -> bool:
        return not self.is_early(window) and not self.is_late(window)

    def is_early(self, window: Window) -> bool:
        return window.starts_at is not None and self.instant < at(window.starts_at)

    def is_late(self, window: Window) -> bool:
        return window.ends_at is not None and self.instant >= at(window.ends_at)

    def decide(self, request: Request) -> Decision:
        """The whole ladder, top to bottom."""
        state = self.state
        door = request.acs_entrance_id
        entrances = [declared(one, EntranceState) for one in self.all(Kind.ENTRANCE, a=door)]
        holders = [] if unread(request) else self.holders(request)
        holder = self.the_holder(holders, door)

        def answer(
            outcome: str, reason: str, rule: int, cause: str | None = None, seconds: int = 0
        ) -> Decision:
            assert outcome in ("allow", "deny")
            return Decision(
                "allow" if outcome == "allow" else "deny",
                reason,
                rule,
                self.revision,
                door,
                holder.credential_id if holder else None,
                holder.user_id if holder else None,
                cause,
                seconds,
            )

        if len(entrances) != 1:
            return answer("deny", "deny_unknown_entrance", 1)
        if not entrances[0].is_enabled:
            return answer("deny", "deny_entrance_disabled", 3)
        if request.origin == "code" and self.is_early(Window(state.codes_blocked_until)):
            return answer("deny", "deny_too_many_attempts", 5)
        if state.unlocked_by:
            return answer("allow", "allow_unlocked", 6, state.unlocked_by)
        if holder:
            if refusal := self.refusal(holder, door):
                return answer("deny", *refusal)
        elif request.origin != "remote" or request.factors:
            cause = unread(request) or ("ambiguous" if holders else "unknown_number")
            return answer("deny", "deny_unknown_credential", 7, cause)
        return answer("allow", "allow", 16, None, entrances[0].unlock_seconds)

    def holders(self, request: Request) -> list[Holder]:
        factor = request.factors[0]
        meant = [
            Holder(self, fact)
            for fact in self.all(Kind.CREDENTIAL)
            if (
                fact.key_a == factor.acs_credential_id
                if isinstance(factor, Named)
                else fact.lookup == factor.lookup
            )
        ]
        return [one for one in meant if request.origin in one.is_used_from()]

    def the_holder(self, holders: list[Holder], door: UUID) -> Holder | None:
        if len(holders) == 1:
            return holders[0]
        welcome = [one for one in holders if not self.refusal(one, door)]
        return welcome[0] if len(welcome) == 1 else None

    def refusal(self, holder: Holder, door: UUID) -> tuple[str, int, str | None] | None:
        """Reason, rung and cause of what a person's own rights refuse."""
        return (
            self.credential_refusal(holder)
            or self.person_refusal(holder)
            or self.path_refusal(holder, door)
        )

    def credential_refusal(self, holder: Holder) -> tuple[str, int, str | None] | None:
        credential = holder.credential
        limit = credential.use_limit
        is_used_up = limit is not None and holder.times_used(self.state) >= limit
        causes = {"active": None, "disabled": None, "lost": None, "stolen": "stolen"}
        for refused, why, cause in (
            (not credential.is_issued, "not_issued", None),
            (not holder.has_owner, "unassigned", None),
            (holder.user is None, "unassigned", "unknown_user"),
            (self.is_early(credential.window), "not_yet_valid", None),
            (self.is_late(credential.window), "expired", None),
            (is_used_up, "expired", "used_up"),
            (credential.state in ("lost", "stolen"), "lost", causes.get(credential.state)),
            (credential.state != "active", "disabled", causes.get(credential.state, "melted")),
        ):
            if refused:
                return f"deny_credential_{why}", 8, cause
        return None

    def person_refusal(self, holder: Holder) -> tuple[str, int, str | None] | None:
        assert holder.user is not None
        if holder.user.is_suspended:
            return "deny_suspended", 9, None
        if self.is_early(holder.user.window):
            return "deny_not_yet_active", 10, None
        if self.is_late(holder.user.window):
            return "deny_expired", 10, None
        return None

    def path_refusal(self, holder: Holder, door: UUID) -> tuple[str, int, str | None] | None:
        windows = list(self.windows(holder, door))
        if not windows:
            return "deny_no_access", 11, None
        if not any(self.is_open(window) for window in windows):
            return "deny_outside_schedule", 11, None
        return None

    def windows(self, holder: Holder, door: UUID) -> Iterator[Window]:
        assert holder.user_id is not None
        if self.has(Kind.CREDENTIAL_ENTRANCE, holder.credential_id, door):
            yield Window()
        if self.has(Kind.GRANT, holder.user_id, door):
            yield Window()
        for group in self.all(Kind.GROUP):
            if self.has(Kind.MEMBERSHIP, group.key_a, holder.user_id) and self.has(
                Kind.GROUP_ENTRANCE, group.key_a, door
            ):
                yield declared(group, GroupState).window


def declared(fact: Fact, kind: type[T]) -> T:
    assert fact.state is not None
    state = decode_state(fact.kind, fact.state)
    assert isinstance(state, kind)
    return state


def at(milliseconds: int) -> datetime:
    return EPOCH + timedelta(milliseconds=milliseconds)


def unread(request: Request) -> str | None:
    """Why the first factor cannot be looked for."""
    if not request.factors:
        return "unreadable"
    first = request.factors[0]
    if not isinstance(first, Card):
        return None
    return first.cause or (None if first.lookup else "unreadable")
