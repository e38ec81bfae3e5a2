"""The ladder: which rung decides, in which order, and that it always answers."""

from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta, timezone
from itertools import product
from random import Random
from typing import Literal
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from doorward.policy.decide import decide
from doorward.policy.facts import (
    NO_KEY,
    CredentialState,
    EntranceState,
    GroupState,
    Kind,
    Link,
    UserState,
    Window,
)
from doorward.policy.model import Card, Code, Decision, DoorState, Named, Origin, Request

from .worlds import (
    ASKING,
    CARD,
    CONTROLLERS,
    CREDENTIAL,
    CREDENTIALS,
    DOOR,
    DOORS,
    ENTRANCE,
    EVERYTHING,
    GROUP,
    GROUPS,
    INSTANT,
    LOOKUP,
    LOOKUPS,
    MEMBERSHIP,
    NOW,
    NOWHERE,
    USER,
    USERS,
    WORKING,
    Said,
    door_state,
    gone,
    index_of,
    request,
    said,
)

LOCKED, ALWAYS = DoorState(controller_id=CONTROLLERS[0]), Window()
FUTURE, PAST = Window(NOW + 1, None), Window(None, NOW)


def answer(
    facts: Iterable[Said],
    asked: Request = ASKING,
    state: DoorState = LOCKED,
    instant: datetime = INSTANT,
) -> Decision:
    return decide(index_of(facts), state, asked, instant)


def card(
    owner: UUID = USER,
    *,
    state: str = "active",
    is_issued: bool = True,
    window: Window = ALWAYS,
    use_limit: int | None = None,
    uses: dict[str, int] | None = None,
) -> Said:
    declared = CredentialState("card", state, is_issued, window, use_limit, uses or {})
    return said(Kind.CREDENTIAL, CREDENTIAL, owner, declared, LOOKUP)


KEY = said(Kind.CREDENTIAL, CREDENTIAL, USER, CredentialState("cloud_key"))
HERE, ELSEWHERE = (str(controller) for controller in CONTROLLERS)

# What each rung can refuse, after the reason it then gives; "" where nothing is wrong.
Row = tuple[str, tuple[Said, ...]]
NOTHING: Row = ("", ())
ENTRANCES: tuple[Row, ...] = (
    NOTHING,
    ("deny_unknown_entrance", (gone(ENTRANCE),)),
    (
        "deny_entrance_disabled",
        (said(Kind.ENTRANCE, DOOR, ENTRANCE.key_b, EntranceState(is_enabled=False)),),
    ),
)
# What the door has observed, and who asks with what.
STATES: tuple[tuple[str, DoorState, Origin], ...] = (
    ("", LOCKED, "card"),
    ("", LOCKED, "code"),
    ("", DoorState(codes_blocked_until=NOW), "code"),
    ("", DoorState(codes_blocked_until=NOW + 1), "card"),
    ("deny_too_many_attempts", DoorState(codes_blocked_until=NOW + 1), "code"),
    ("deny_too_many_attempts", DoorState("operator", NOW + 1), "code"),
    ("allow_unlocked", DoorState("schedule"), "code"),
    ("allow_unlocked", DoorState("operator", NOW + 1), "card"),
)
FACTORS: tuple[tuple[str, tuple[Card | Code, ...]], ...] = (
    ("", (Card(LOOKUP),)),
    ("", (Code(LOOKUP), Code(b"unknown"))),
    ("deny_unknown_credential", ()),
    ("deny_unknown_credential", (Card(None, "parity"),)),
    ("deny_unknown_credential", (Card(b"unknown"), Card(LOOKUP))),
)
CARDS: tuple[Row, ...] = (
    NOTHING,
    ("deny_credential_not_issued", (card(is_issued=False, state="lost"),)),
    ("deny_credential_unassigned", (gone(CARD), card(NO_KEY, window=PAST))),
    ("deny_credential_not_yet_valid", (card(window=FUTURE, state="lost"),)),
    ("deny_credential_expired", (card(window=PAST, state="disabled"),)),
    ("deny_credential_expired", (card(use_limit=1, uses={"some door": 1}, state="lost"),)),
    ("deny_credential_disabled", (card(state="disabled"),)),
    ("deny_credential_lost", (card(state="lost"),)),
    ("deny_credential_lost", (card(state="stolen"),)),
)
PEOPLE: tuple[Row, ...] = (
    NOTHING,
    ("deny_suspended", (said(Kind.USER, USER, NO_KEY, UserState(is_suspended=True)),)),
    ("deny_suspended", (said(Kind.USER, USER, NO_KEY, UserState(True, PAST)),)),
    ("deny_not_yet_active", (said(Kind.USER, USER, NO_KEY, UserState(window=FUTURE)),)),
    ("deny_expired", (said(Kind.USER, USER, NO_KEY, UserState(window=PAST)),)),
)
PATHS: tuple[Row, ...] = (
    NOTHING,
    ("deny_no_access", (gone(MEMBERSHIP),)),
    ("deny_outside_schedule", (said(Kind.GROUP, GROUP, NO_KEY, GroupState(PAST)),)),
)


def test_the_lowest_rung_that_is_violated_decides() -> None:
    """Every combination of what can be wrong; the reason is the first one's in the ladder."""
    for rows in product(ENTRANCES, STATES, FACTORS, CARDS, PEOPLE, PATHS):
        door, state, factors, credential, person, path = rows
        facts = (*WORKING, *door[1], *credential[1], *person[1], *path[1])
        expected = next((row[0] for row in rows if row[0]), "allow")
        decision = answer(facts, Request(DOOR, state[2], factors[1]), state[1])
        assert decision.reason == expected, rows
        assert decision.outcome == expected.split("_")[0]
        assert decision.unlock_seconds == (7 if expected == "allow" else 0)
        # Resolve first, always: whoever decides, the log knows who asked.
        is_known = not factors[0]
        assert decision.acs_credential_id == (CREDENTIAL if is_known else None)
        has_user = is_known and credential[0] != "deny_credential_unassigned"
        assert decision.acs_user_id == (USER if has_user else None)


@pytest.mark.parametrize(
    ("factors", "cause"),
    [
        ((), "unreadable"),
        ((Card(None),), "unreadable"),
        ((Card(None, "unreadable"),), "unreadable"),
        ((Card(None, "parity"),), "parity"),
        ((Card(LOOKUP, "parity"),), "parity"),
        ((Card(None, "format_not_enabled"),), "format_not_enabled"),
        ((Card(b"unknown"),), "unknown_number"),
        ((Code(b"unknown"),), "unknown_number"),
        ((Named(NOWHERE),), "unknown_number"),
    ],
)
def test_an_unknown_credential_has_a_cause(
    factors: tuple[Card | Code | Named, ...], cause: str
) -> None:
    decision = answer(WORKING, Request(DOOR, "card", factors))
    assert (decision.reason, decision.rule, decision.cause) == ("deny_unknown_credential", 7, cause)


@pytest.mark.parametrize(
    ("state", "reason", "cause"),
    [
        ("lost", "deny_credential_lost", None),
        ("stolen", "deny_credential_lost", "stolen"),
        ("disabled", "deny_credential_disabled", None),
        ("Active", "deny_credential_disabled", "Active"),
        ("", "deny_credential_disabled", ""),
    ],
)
def test_only_an_active_credential_opens(state: str, reason: str, cause: str | None) -> None:
    decision = answer((*WORKING, card(state=state)))
    assert (decision.reason, decision.cause) == (reason, cause)


def test_a_credential_whose_owner_is_not_in_the_slice_is_nobodys() -> None:
    facts = (*WORKING, gone(said(Kind.USER, USER)))
    decision = answer((*facts, said(Kind.CREDENTIAL_ENTRANCE, CREDENTIAL, DOOR, Link())))
    assert (decision.reason, decision.cause) == ("deny_credential_unassigned", "unknown_user")
    assert (decision.acs_credential_id, decision.acs_user_id) == (CREDENTIAL, None)


def test_a_group_opens_nothing_before_it_is_known_itself() -> None:
    assert answer((*WORKING, gone(said(Kind.GROUP, GROUP)))).reason == "deny_no_access"


WINDOWED: dict[str, tuple[Callable[[Window], Said], str, str]] = {
    "credential": (
        lambda window: card(window=window),
        "deny_credential_not_yet_valid",
        "deny_credential_expired",
    ),
    "person": (
        lambda window: said(Kind.USER, USER, NO_KEY, UserState(window=window)),
        "deny_not_yet_active",
        "deny_expired",
    ),
    "group": (
        lambda window: said(Kind.GROUP, GROUP, NO_KEY, GroupState(window)),
        "deny_outside_schedule",
        "deny_outside_schedule",
    ),
}


@pytest.mark.parametrize("subject", WINDOWED)
@pytest.mark.parametrize(
    ("microseconds", "expected"),
    [(-1, "before"), (0, "within"), (999, "within"), (1_000, "within"), (1_999, "within"),
     (2_000, "after")],
)  # fmt: skip
def test_a_window_holds_from_its_start_until_before_its_end(
    subject: str, microseconds: int, expected: Literal["before", "within", "after"]
) -> None:
    make, early, late = WINDOWED[subject]
    reasons = {"before": early, "within": "allow", "after": late}
    at = INSTANT + timedelta(microseconds=microseconds)
    decision = answer((*WORKING, make(Window(NOW, NOW + 2))), instant=at)
    assert decision.reason == reasons[expected]


def test_an_instant_is_the_same_in_every_zone() -> None:
    facts = (*WORKING, card(window=Window(NOW, NOW + 1)))
    for at in (INSTANT.astimezone(timezone(timedelta(hours=-9))), INSTANT.replace(tzinfo=None)):
        assert answer(facts, instant=at).reason == "allow"


def test_paths_are_a_union() -> None:
    closed = (*WORKING, said(Kind.GROUP, GROUP, NO_KEY, GroupState(PAST)))
    by_group = (
        said(Kind.GROUP, GROUPS[1], NO_KEY, GroupState()),
        said(Kind.GROUP_ENTRANCE, GROUPS[1], DOOR, Link()),
        said(Kind.MEMBERSHIP, GROUPS[1], USER, Link()),
    )
    by_card = (said(Kind.CREDENTIAL_ENTRANCE, CREDENTIAL, DOOR, Link()),)
    elsewhere = (said(Kind.CREDENTIAL_ENTRANCE, CREDENTIAL, DOORS[1], Link()),)
    assert answer(closed).reason == "deny_outside_schedule"
    assert answer((*closed, *by_group)).reason == "allow"
    assert answer((*closed, *by_card)).reason == "allow"
    assert answer((*closed, *elsewhere)).reason == "deny_outside_schedule"


# The same code of a second person, who so far may enter nowhere.
SECOND = (
    said(Kind.USER, USERS[1], NO_KEY, UserState()),
    said(Kind.CREDENTIAL, CREDENTIALS[1], USERS[1], CredentialState("code"), LOOKUP),
)
SECOND_ENTERS = said(Kind.MEMBERSHIP, GROUP, USERS[1], Link())


def test_a_shared_code_means_the_one_person_whom_it_lets_in() -> None:
    decision = answer((*WORKING, *SECOND))
    assert (decision.reason, decision.acs_user_id) == ("allow", USER)
    decision = answer((*WORKING, *SECOND, SECOND_ENTERS, gone(MEMBERSHIP)))
    assert (decision.reason, decision.acs_user_id) == ("allow", USERS[1])


@pytest.mark.parametrize("extra", [(SECOND_ENTERS,), (gone(MEMBERSHIP),)])
def test_a_shared_code_that_lets_in_both_or_none_is_nobodys(extra: tuple[Said, ...]) -> None:
    facts = (*WORKING, *SECOND, *extra)
    decision = answer(facts)
    assert (decision.reason, decision.cause) == ("deny_unknown_credential", "ambiguous")
    assert decision.acs_credential_id is None
    unlocked = answer(facts, state=DoorState("operator"))
    assert (unlocked.reason, unlocked.acs_user_id) == ("allow_unlocked", None)


def test_a_remote_request_in_nobodys_name_asks_the_entrance_alone() -> None:
    remote = Request(DOOR, "remote", ())
    assert answer((ENTRANCE,), remote).reason == "allow"
    assert answer((), remote).reason == "deny_unknown_entrance"
    closed = said(Kind.ENTRANCE, DOOR, ENTRANCE.key_b, EntranceState(is_enabled=False))
    assert answer((closed,), remote).reason == "deny_entrance_disabled"


def test_a_remote_request_with_a_credential_needs_its_holders_rights() -> None:
    remote = Request(DOOR, "remote", (Named(CREDENTIAL),))
    facts = (*WORKING, KEY)
    assert answer(facts, remote).reason == "allow"
    assert answer((*facts, gone(MEMBERSHIP)), remote).reason == "deny_no_access"
    assert answer((*facts, gone(KEY)), remote).reason == "deny_unknown_credential"


@pytest.mark.parametrize("origin", ["card", "code", "remote"])
def test_cloud_keys_are_for_remote_requests_alone_and_nothing_else_is(origin: Origin) -> None:
    named = Request(DOOR, origin, (Named(CREDENTIAL),))
    is_remote = origin == "remote"
    assert (answer((*WORKING, KEY), named).reason == "allow") == is_remote
    assert (answer(WORKING, named).reason == "allow") != is_remote


def test_a_grant_opens_to_the_person_whatever_she_shows() -> None:
    grant = said(Kind.GRANT, USER, DOOR, Link())
    elsewhere = said(Kind.GRANT, USER, DOORS[1], Link())
    to_another = said(Kind.GRANT, USERS[1], DOOR, Link())
    facts = (*WORKING, gone(MEMBERSHIP), elsewhere, to_another)
    assert answer(facts).reason == "deny_no_access"
    assert answer((*facts, grant)).reason == "allow"
    assert answer((*facts, grant, gone(grant))).reason == "deny_no_access"


@pytest.mark.parametrize(
    ("counted", "by_server", "is_used_up"),
    [
        (0, {}, False),
        (2, {}, False),
        (3, {}, True),
        (4, {}, True),
        # What the door has counted itself it counts once, however much of it the server knows.
        (2, {HERE: 2}, False),
        (2, {HERE: 1}, False),
        (0, {HERE: 3}, True),
        (1, {HERE: 2, ELSEWHERE: 1}, True),
        (2, {ELSEWHERE: 1}, True),
        (1, {ELSEWHERE: 1}, False),
        (0, {ELSEWHERE: 3}, True),
    ],
)
def test_a_use_limit_counts_every_controllers_uses(
    counted: int, by_server: dict[str, int], is_used_up: bool
) -> None:
    state = DoorState(controller_id=CONTROLLERS[0], uses={CREDENTIAL: counted})
    decision = answer((*WORKING, card(use_limit=3, uses=by_server)), state=state)
    expected = ("deny_credential_expired", "used_up") if is_used_up else ("allow", None)
    assert (decision.reason, decision.cause) == expected


def test_without_a_limit_no_use_is_one_too_many() -> None:
    state = DoorState(controller_id=CONTROLLERS[0], uses={CREDENTIAL: 10**9})
    assert answer((*WORKING, card(uses={HERE: 10**9})), state=state).reason == "allow"
    assert answer((*WORKING, card(use_limit=0)), state=LOCKED).cause == "used_up"


def test_the_decision_names_its_policy() -> None:
    assert answer(WORKING).policy_revision == len(WORKING)


@given(
    facts=st.lists(st.sampled_from(EVERYTHING), max_size=12),
    bounds=st.tuples(st.none() | st.integers(), st.none() | st.integers()),
    at=st.datetimes(timezones=st.none() | st.just(UTC) | st.timezones()),
    random=st.randoms(use_true_random=False),
)
def test_it_always_answers(
    facts: list[Said],
    bounds: tuple[int | None, int | None],
    at: datetime,
    random: Random,
) -> None:
    window = Window(*(bound and max(-(2**63), min(bound, 2**64 - 1)) for bound in bounds))
    odd = (card(window=window), said(Kind.USER, USER, NO_KEY, UserState(window=window)))
    decision = answer((*WORKING, *odd, *facts), request(random), door_state(random), at)
    assert decision.outcome in ("allow", "deny")
    assert decision.reason.startswith(decision.outcome)


def test_a_request_for_another_entrance_is_not_helped_by_this_one() -> None:
    asked = Request(DOORS[1], "card", (Card(LOOKUP),))
    there = said(Kind.ENTRANCE, DOORS[1], ENTRANCE.key_b, EntranceState())
    assert answer((*WORKING, there), asked).reason == "deny_no_access"
    assert answer((*WORKING, there), Request(DOORS[1], "card", (Card(LOOKUPS[1]),))).rule == 7
