"""The decision ladder: one table of rungs, walked by the door and by whoever asks why.

The first rung that answers decides. Rungs keep the numbers of the design; those that are not in
the table are not built yet.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Final

import msgspec

from doorward.policy.facts import EntranceState
from doorward.policy.model import (
    Card,
    Credential,
    Decision,
    DoorState,
    Outcome,
    Policy,
    Request,
    Rung,
    User,
)
from doorward.policy.schedule import milliseconds, outside

# A credential, and its owner where it has one in this policy; neither where nobody is known.
Holder = tuple[Credential | None, User | None]

_NOTHING: Final = Card(None)


class _Answer(msgspec.Struct, frozen=True):
    """What a rung says when it decides."""

    outcome: Outcome
    reason: str
    cause: str | None = None
    unlock_seconds: int = 0


class _Situation(msgspec.Struct, frozen=True):
    """A request with everything resolved. `cause` tells why there is no credential."""

    policy: Policy
    state: DoorState
    request: Request
    now: int
    entrance: EntranceState | None
    credential: Credential | None = None
    user: User | None = None
    cause: str | None = None


class _Step(msgspec.Struct, frozen=True):
    """One rung: `answer` is None where it does not decide."""

    rule: int
    name: str
    answer: Callable[[_Situation], _Answer | None]


def decide(policy: Policy, state: DoorState, request: Request, instant: datetime) -> Decision:
    """What the door answers to a request at an instant. Never raises, never waits."""
    situation = _resolve(policy, state, request, instant)
    step, answer = _walk(situation)
    return Decision(
        outcome=answer.outcome,
        reason=answer.reason,
        rule=step.rule,
        policy_revision=policy.revision,
        acs_entrance_id=request.acs_entrance_id,
        acs_credential_id=situation.credential.acs_credential_id if situation.credential else None,
        acs_user_id=situation.user.acs_user_id if situation.user else None,
        cause=answer.cause,
        unlock_seconds=answer.unlock_seconds,
    )


def ladder(
    policy: Policy, state: DoorState, request: Request, instant: datetime
) -> tuple[Rung, ...]:
    """Every rung with what it said to the same request; the one that decides is decide()'s."""
    decisive, answer = _walk(_resolve(policy, state, request, instant))
    return tuple(_rung(step, decisive, answer) for step in LADDER)


def _rung(step: _Step, decisive: _Step, answer: _Answer) -> Rung:
    if step is decisive:
        return Rung(step.rule, step.name, "decides", answer.reason, answer.cause)
    return Rung(step.rule, step.name, "passed" if step.rule < decisive.rule else "not_reached")


def _walk(situation: _Situation) -> tuple[_Step, _Answer]:
    for step in _RUNGS:
        answer = step.answer(situation)
        if answer is not None:
            return step, answer
    return _LAST, _allow(situation)


# Resolving: always, also where the entrance is unlocked or unknown, so that the log is right.


def _resolve(policy: Policy, state: DoorState, request: Request, instant: datetime) -> _Situation:
    entrance, now = policy.entrance(request.acs_entrance_id), milliseconds(instant)
    holders: Sequence[Holder] = ()
    if (cause := _unread(request)) is None:
        holders = _holders(policy, request)
        cause = "ambiguous" if holders else "unknown_number"
    if len(holders) > 1:
        asking = (_Situation(policy, state, request, now, entrance, *each) for each in holders)
        holders = [(one.credential, one.user) for one in asking if _may_enter(one)]
    # A shared code means the one credential that opens here now. Where that is none or several,
    # guessing would put a name into the log, or a person into a room, that is not theirs.
    credential, user = holders[0] if len(holders) == 1 else (None, None)
    unknown = None if credential else cause
    return _Situation(policy, state, request, now, entrance, credential, user, unknown)


def _unread(request: Request) -> str | None:
    first = request.factors[0] if request.factors else _NOTHING
    if not isinstance(first, Card) or (first.cause is None and first.lookup is not None):
        return None
    return first.cause or "unreadable"


def _holders(policy: Policy, request: Request) -> list[Holder]:
    """The credentials that the first factor can mean to who asks, with the people they are of."""
    return [
        (one, None if one.acs_user_id is None else policy.user(one.acs_user_id))
        for one in policy.credentials(request.factors[0])
        # A cloud key has nothing that a reader could read, and nobody shows a card from afar; what
        # is on a phone opens doors of other systems alone.
        if one.declared.access_method != "mobile_key"
        and (one.declared.access_method == "cloud_key") == (request.origin == "remote")
    ]


def _may_enter(situation: _Situation) -> bool:
    return all(step.answer(situation) is None for step in RIGHTS)


# The rungs, lowest first.


def _deny(reason: str, cause: str | None = None) -> _Answer:
    return _Answer("deny", f"deny_{reason}", cause)


def _unknown_entrance(situation: _Situation) -> _Answer | None:
    return _deny("unknown_entrance") if situation.entrance is None else None


def _entrance_disabled(situation: _Situation) -> _Answer | None:
    entrance = situation.entrance
    return None if entrance and entrance.is_enabled else _deny("entrance_disabled")


def _too_many_attempts(situation: _Situation) -> _Answer | None:
    until = situation.state.codes_blocked_until
    if situation.request.origin != "code" or until is None or situation.now >= until:
        return None
    return _deny("too_many_attempts")


def _unlocked(situation: _Situation) -> _Answer | None:
    by = situation.state.unlocked_by
    return None if by is None else _Answer("allow", "allow_unlocked", by)


def _unknown_credential(situation: _Situation) -> _Answer | None:
    request = situation.request
    in_nobodys_name = request.origin == "remote" and not request.factors
    if situation.credential is not None or in_nobodys_name:
        return None
    return _deny("unknown_credential", situation.cause)


def _credential(situation: _Situation) -> _Answer | None:
    credential = situation.credential
    if credential is None:
        return None
    if not credential.declared.is_issued:
        return _deny("credential_not_issued")
    if situation.user is None:
        return _unassigned(credential)
    side = outside(credential.declared.window, situation.now)
    if side is not None:
        return _deny("credential_not_yet_valid" if side == "before" else "credential_expired")
    if _is_used_up(credential, situation.state):
        return _deny("credential_expired", "used_up")
    return _withdrawn(credential.declared.state)


def _unassigned(credential: Credential) -> _Answer:
    # Its owner may be gone from the slice before the credential is: nobody's, all the same.
    return _deny(
        "credential_unassigned", None if credential.acs_user_id is None else "unknown_user"
    )


def _is_used_up(credential: Credential, state: DoorState) -> bool:
    declared = credential.declared
    if declared.use_limit is None:
        return False
    here = str(state.controller_id)
    elsewhere = sum(count for counter, count in declared.uses.items() if counter != here)
    # The door's own count is ahead of what the server has heard, unless its disk was lost.
    own = max(state.uses.get(credential.acs_credential_id, 0), declared.uses.get(here, 0))
    return own + elsewhere >= declared.use_limit


def _withdrawn(state: str) -> _Answer | None:
    match state:
        case "active":
            return None
        case "lost":
            return _deny("credential_lost")
        case "stolen":
            return _deny("credential_lost", "stolen")
        case "disabled":
            return _deny("credential_disabled")
        case _:  # a state that a newer release has named: surely not "active"
            return _deny("credential_disabled", state)


def _suspended(situation: _Situation) -> _Answer | None:
    user = situation.user
    return _deny("suspended") if user and user.declared.is_suspended else None


def _access_schedule(situation: _Situation) -> _Answer | None:
    if situation.user is None:
        return None
    side = outside(situation.user.declared.window, situation.now)
    if side is None:
        return None
    return _deny("not_yet_active" if side == "before" else "expired")


def _path(situation: _Situation) -> _Answer | None:
    credential, user = situation.credential, situation.user
    if credential is None or user is None:
        return None
    reason = "no_access"
    for path in situation.policy.paths(
        user.acs_user_id, credential.acs_credential_id, situation.request.acs_entrance_id
    ):
        if outside(path.window, situation.now) is None:
            return None
        reason = "outside_schedule"
    return _deny(reason)


def _allow(situation: _Situation) -> _Answer:
    entrance = situation.entrance
    return _Answer("allow", "allow", unlock_seconds=entrance.unlock_seconds if entrance else 0)


# A person's own rights, which need a credential; a remote request in nobody's name passes them.
RIGHTS: Final = (
    _Step(8, "credential_not_valid", _credential),
    _Step(9, "suspended", _suspended),
    _Step(10, "outside_access_schedule", _access_schedule),
    _Step(11, "no_open_path", _path),
)

_RUNGS: Final = (
    _Step(1, "unknown_entrance", _unknown_entrance),
    _Step(3, "entrance_disabled", _entrance_disabled),
    _Step(5, "too_many_attempts", _too_many_attempts),
    _Step(6, "unlocked", _unlocked),
    _Step(7, "unknown_credential", _unknown_credential),
    *RIGHTS,
)
_LAST: Final = _Step(16, "allow", _allow)

LADDER: Final = (*_RUNGS, _LAST)
