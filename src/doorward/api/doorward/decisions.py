"""/doorward/decisions: why a person may or may not pass."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated, Final, NamedTuple
from uuid import UUID

import msgspec
from msgspec import UNSET, UnsetType
from msgspec.structs import asdict

from doorward.api.parameters import AcsEntranceId, AcsSystemId, AcsUserId, UserIdentityId
from doorward.api.requests import exactly_one, found, or_none
from doorward.api.services import Services
from doorward.errors import decided_elsewhere, not_found
from doorward.policy.decide import decide, ladder
from doorward.policy.facts import NO_KEY, CredentialState, Fact, Kind, decode_state
from doorward.policy.index import PolicyIndex
from doorward.policy.model import Decision, DoorState, Named, Origin, Path, Request, Rung
from doorward.resources.acs_entrance import AcsEntrance
from doorward.resources.decision import AccessPath, ExplainedRung, Explanation
from doorward.resources.values import Timestamp, iso
from doorward.store import entrances, explain, identities, users
from doorward.wire.route import Call, Route

# An explanation is about policy; what a door observes is its own to tell.
_AS_USUAL: Final = DoorState()
_ORIGINS: Final[dict[str, Origin]] = {"code": "code", "cloud_key": "remote"}
_NO_CREDENTIAL: Final = "no_credential"
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)

At = Annotated[datetime, msgspec.Meta(description="The instant to explain; without it, now.")]


class Explain(msgspec.Struct):
    """A person by user or by identity, an entrance, and an instant; without one, now.

    An identity is the user that it has in `acs_system_id`, or else in the entrance's system.
    """

    acs_entrance_id: AcsEntranceId
    acs_system_id: AcsSystemId | UnsetType = UNSET
    acs_user_id: AcsUserId | UnsetType = UNSET
    at: At | UnsetType = UNSET
    user_identity_id: UserIdentityId | UnsetType = UNSET

    def check(self) -> list[str]:
        """One name is enough."""
        return exactly_one(self, "acs_user_id", "user_identity_id")


class Attempt(NamedTuple):
    """What the door would answer to one credential, NO_KEY standing for none at all."""

    acs_credential_id: UUID
    decision: Decision
    rungs: Sequence[Rung]

    @property
    def reach(self) -> tuple[bool, int]:
        """How far it gets: an allowed one further than any other."""
        return self.decision.outcome == "allow", self.decision.rule


async def explain_decision(call: Call[Services], request: Explain) -> Explanation:
    """The ladder for the credential of a person that gets furthest, and the paths that lead in.

    Raises ApiError 400 for an entrance at which another system decides.
    """
    database, workspace_id = call.services.database, call.workspace_id
    now = call.services.clock.now(workspace_id)
    entrance = await entrances.get(database, workspace_id, request.acs_entrance_id, now)
    acs_user_id = await _user(call, request, entrance)
    there = found(entrance, "acs_entrance")
    if not await entrances.controller_of(database, workspace_id, there.acs_entrance_id):
        raise decided_elsewhere()
    at, revision = await _as_of(call, request)
    facts = await explain.facts_about(database, workspace_id, revision, acs_user_id, there)
    policy = _policy(facts, revision)
    attempt = _furthest(policy, facts, there.acs_entrance_id, at)
    paths = [*policy.paths(acs_user_id, attempt.acs_credential_id, there.acs_entrance_id)]
    return _explanation(acs_user_id, at, attempt, await _named(call, paths))


async def _as_of(call: Call[Services], request: Explain) -> tuple[datetime, int]:
    """The instant asked about, and the policy of that time; for the future, today's policy."""
    database, workspace_id = call.services.database, call.workspace_id
    now = call.services.clock.now(workspace_id)
    at = or_none(request.at) or now
    if at < now:
        return at, await explain.revision_at(database, workspace_id, at)
    return at, await explain.current_revision(database, workspace_id)


def _explanation(
    acs_user_id: UUID, at: datetime, attempt: Attempt, paths: list[AccessPath]
) -> Explanation:
    decision, credential = attempt.decision, attempt.acs_credential_id
    return Explanation(
        outcome=decision.outcome,
        reason=decision.reason,
        rule=decision.rule,
        policy_revision=decision.policy_revision,
        at=iso(at),
        acs_user_id=acs_user_id,
        acs_entrance_id=decision.acs_entrance_id,
        acs_credential_id=None if credential == NO_KEY else credential,
        rungs=[ExplainedRung(**asdict(rung)) for rung in attempt.rungs],
        paths=paths,
    )


async def _user(call: Call[Services], request: Explain, entrance: AcsEntrance | None) -> UUID:
    """The person asked about. Raises ApiError 404, also for an identity at an unknown entrance."""
    database, workspace_id = call.services.database, call.workspace_id
    if isinstance(request.acs_user_id, UUID):
        found(await users.system_of(database, workspace_id, request.acs_user_id), "acs_user")
        return request.acs_user_id
    assert isinstance(request.user_identity_id, UUID)
    if not await identities.exists(database, workspace_id, request.user_identity_id):
        raise not_found("user_identity")
    system_id = or_none(request.acs_system_id) or found(entrance, "acs_entrance").acs_system_id
    acs_user_id = await identities.user_in_system(
        database, workspace_id, request.user_identity_id, system_id
    )
    return found(acs_user_id, "acs_user")


def _policy(facts: Iterable[Fact], revision: int) -> PolicyIndex:
    index = PolicyIndex()
    for fact in facts:
        index.apply(fact)
    index.advance(revision)
    return index


def _furthest(
    policy: PolicyIndex, facts: Iterable[Fact], acs_entrance_id: UUID, at: datetime
) -> Attempt:
    credentials = sorted(
        (fact for fact in facts if fact.kind is Kind.CREDENTIAL), key=lambda fact: fact.key_a
    )
    attempts = [
        _attempt(policy, _shown(fact, acs_entrance_id), fact.key_a, at) for fact in credentials
    ]
    if not attempts:
        return _without_credential(policy, acs_entrance_id, at)
    return max(attempts, key=lambda attempt: attempt.reach)


def _shown(credential: Fact, acs_entrance_id: UUID) -> Request:
    assert credential.state is not None
    state = decode_state(Kind.CREDENTIAL, credential.state)
    assert isinstance(state, CredentialState)
    origin = _ORIGINS.get(state.access_method, "card")
    return Request(acs_entrance_id, origin, (Named(credential.key_a),))


def _attempt(
    policy: PolicyIndex, request: Request, acs_credential_id: UUID, at: datetime
) -> Attempt:
    return Attempt(
        acs_credential_id,
        decide(policy, _AS_USUAL, request, at),
        ladder(policy, _AS_USUAL, request, at),
    )


def _without_credential(policy: PolicyIndex, acs_entrance_id: UUID, at: datetime) -> Attempt:
    """Somebody with nothing to show is refused as the unknown are; the explanation says why."""
    attempt = _attempt(policy, Request(acs_entrance_id, "card", ()), NO_KEY, at)
    rungs = [
        msgspec.structs.replace(rung, detail=_NO_CREDENTIAL)
        if rung.reason == "deny_unknown_credential"
        else rung
        for rung in attempt.rungs
    ]
    return attempt._replace(rungs=rungs)


async def _named(call: Call[Services], paths: Sequence[Path]) -> list[AccessPath]:
    ids = [path.source_id for path in paths]
    names = await explain.names(call.services.database, call.workspace_id, ids)
    named = [
        AccessPath(
            source=path.source,
            source_id=path.source_id,
            name=names.get(path.source_id, str(path.source_id)),
            starts_at=_moment(path.window.starts_at),
            ends_at=_moment(path.window.ends_at),
        )
        for path in paths
    ]
    return sorted(named, key=lambda path: (path.source, path.name, path.source_id))


def _moment(milliseconds: int | None) -> Timestamp | None:
    return None if milliseconds is None else iso(_EPOCH + timedelta(milliseconds=milliseconds))


ROUTES = (
    Route(
        path="/doorward/decisions/explain",
        verbs=("GET", "POST"),
        request=Explain,
        handler=explain_decision,
        summary="Explain, rung by rung, whether a person may pass an entrance",
        response_key="explanation",
        resource=Explanation,
        scope="doors",
    ),
)
