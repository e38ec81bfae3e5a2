"""What a running server answers, against the official schemas and against our own."""

from collections.abc import Iterator
from typing import Any

import pytest

from doorward.api.table import ROUTES
from tests.contract.deviations import DEVIATIONS, declared_by, stale, undeclared
from tests.contract.official import Contract
from tests.contract.scene import Reply, replies, set_the_scene
from tests.contract.shapes import Schema, differences
from tests.contract.test_document import PATHS, parameter_differences
from tests.parameters import REFUSED
from tests.running import running

_ROUTES = {route.path: route for route in ROUTES}
# Native systems need no other system, and have none.
ALWAYS_EMPTY = {"/acs/systems/list_compatible_credential_manager_acs_systems"}
# Resources that there are none of.
NOT_HERE = {"device", "instant_key"}
# Others' keys are on phones that only their makers know.
NEVER_FILLED = {("unmanaged_acs_credential", "parent_acs_credential_id")}


@pytest.fixture(scope="module")
def answered(tmp_path_factory: pytest.TempPathFactory) -> list[Reply]:
    """The replies to all calls, made once."""
    with running(tmp_path_factory.mktemp("contract") / "data") as server:
        set_the_scene(server)
        return [*replies(server)]


def _differences(contract: Contract, reply: Reply) -> Iterator[str]:
    path = reply.route.path
    place = "void" if reply.route.is_void else path
    return differences(reply.body, contract.answer(path), contract.resources, place)


def _of(answered: list[Reply], path: str) -> list[Reply]:
    return [reply for reply in answered if reply.route.path == path]


@pytest.mark.parametrize("path", PATHS)
def test_replies_fit_the_official_schema(
    answered: list[Reply], official: Contract, path: str
) -> None:
    found = [each for reply in _of(answered, path) for each in _differences(official, reply)]
    assert undeclared(found) == []


@pytest.mark.parametrize("path", sorted(route.path for route in ROUTES))
def test_replies_fit_our_own_schema(answered: list[Reply], ours: Contract, path: str) -> None:
    asked = _of(answered, path)
    assert {reply.verb for reply in asked} == (set() if path in REFUSED else ours.verbs(path))
    assert [each for reply in asked for each in _differences(ours, reply)] == []


def test_no_deviation_is_declared_in_vain(
    answered: list[Reply], official: Contract, ours: Contract
) -> None:
    documented = [reply for reply in answered if reply.route.path in PATHS]
    found = [each for reply in documented for each in _differences(official, reply)]
    for path in PATHS:
        found += parameter_differences(ours, official, path)
    assert stale(found) == []


@pytest.mark.parametrize("path", PATHS)
def test_a_call_is_told_to_deviate_where_it_does(
    answered: list[Reply], official: Contract, ours: Contract, path: str
) -> None:
    found = [*parameter_differences(ours, official, path)]
    found += [each for reply in _of(answered, path) for each in _differences(official, reply)]
    told = {each.where for each in DEVIATIONS if each.concerns(_ROUTES[path])}
    seen = {deviation.where for each in found for deviation in declared_by(each)}
    # A call that is refused here as a whole, or lists nothing, shows nothing that could differ.
    assert seen <= told
    assert path in REFUSED | ALWAYS_EMPTY or told - seen == set()


def test_every_field_was_seen_filled(answered: list[Reply], ours: Contract) -> None:
    declared = {
        (name, field)
        for name, schema in ours.resources.items()
        if name not in NOT_HERE
        for field in schema.get("properties", ())
    }
    seen = set(_seen(answered, ours))
    assert declared - seen == NEVER_FILLED


def _seen(answered: list[Reply], ours: Contract) -> Iterator[tuple[str, str]]:
    for reply in answered:
        for key, schema in ours.answer(reply.route.path).get("properties", {}).items():
            members = reply.body[key] if schema.get("type") == "array" else [reply.body[key]]
            for member in members:
                if name := _name(schema):
                    yield from ((name, field) for field in member)


def _name(schema: Schema) -> str | None:
    reference: str | None = schema.get("items", schema).get("$ref")
    return reference and reference.rpartition("/")[2]


def test_the_scene_shows_what_is_rare(answered: list[Reply]) -> None:
    users = [reply.body["acs_user"] for reply in _of(answered, "/acs/users/get")]
    groups = [reply.body["acs_access_group"] for reply in _of(answered, "/acs/access_groups/get")]
    events = [event for reply in _of(answered, "/events/list") for event in reply.body["events"]]
    credentials = [
        credential
        for reply in _of(answered, "/acs/credentials/list")
        for credential in reply.body["acs_credentials"]
    ]
    assert {user["is_suspended"] for user in users} == {True, False}
    assert _mutations(users) == {
        ("updating_group_membership", True, False),
        ("updating_group_membership", False, True),
        ("updating_suspension_state", False, False),
        ("updating_access_schedule", True, False),
    }
    assert _mutations(groups) == {
        ("updating_user_membership", True, False),
        ("updating_user_membership", False, True),
        ("updating_entrance_membership", True, False),
    }
    assert {"lock.unlocked", "lock.access_denied"} <= {event["event_type"] for event in events}
    assert {credential["access_method"] for credential in credentials} == {
        "card",
        "code",
        "cloud_key",
        "mobile_key",
    }


def _mutations(resources: list[Any]) -> set[tuple[str, bool, bool]]:
    """Which mutations there are, and whether each comes from nothing or leads to nothing."""
    return {
        (one["mutation_code"], _is_nothing(one["from"]), _is_nothing(one["to"]))
        for resource in resources
        for one in resource["pending_mutations"]
    }


def _is_nothing(side: dict[str, Any]) -> bool:
    return set(side.values()) == {None}
