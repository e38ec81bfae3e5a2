"""Which facts can only close doors: taken out of turn, none of them may open one."""

from uuid import uuid4

import msgspec
import pytest

from doorward.policy.facts import (
    CredentialState,
    EntranceState,
    Fact,
    GroupState,
    Kind,
    Link,
    UserState,
    Window,
    encode_state,
    takes_away,
)


@pytest.mark.parametrize("kind", Kind)
def test_the_end_of_a_fact_takes_away_unless_a_door_is_made_of_it(kind: Kind) -> None:
    end = Fact(kind, uuid4(), uuid4(), 7, None)
    assert takes_away(end) == (kind not in (Kind.ENTRANCE, Kind.READER))


@pytest.mark.parametrize(
    ("kind", "state", "expected"),
    [
        (Kind.USER, UserState(is_suspended=True), True),
        (Kind.USER, UserState(), False),
        # It may end sooner than before, and begin sooner.
        (Kind.USER, UserState(window=Window(1, 2)), False),
        (Kind.CREDENTIAL, CredentialState("card", "stolen"), True),
        (Kind.CREDENTIAL, CredentialState("card", is_issued=False), True),
        (Kind.CREDENTIAL, CredentialState("card"), False),
        (Kind.GROUP, GroupState(Window(1, 2)), False),
        (Kind.ENTRANCE, EntranceState(is_enabled=False), False),
        (Kind.MEMBERSHIP, Link(), False),
    ],
)
def test_of_states_only_those_that_open_nothing(
    kind: Kind, state: msgspec.Struct, expected: bool
) -> None:
    assert takes_away(Fact(kind, uuid4(), uuid4(), 7, encode_state(state))) == expected
