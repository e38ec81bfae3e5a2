"""Our OpenAPI document beside the official one: verbs, parameters, answers, resources."""

import json
from collections.abc import Iterator

import pytest

from doorward.api.table import ROUTES
from doorward.resources.event import EVENT_TYPES
from tests.clients.places import CHECKOUT
from tests.contract.deviations import (
    DOCUMENTED,
    OF_CLIENTS_ALONE,
    PACKAGE_VERSION,
    UNDOCUMENTED,
    undeclared,
)
from tests.contract.official import Contract
from tests.contract.shapes import Schema, merged, promises

OWN = "/doorward/"
# Schemes of Seam's own staff and programs; nobody has such a token here.
SEAMS_OWN = {
    *("support_read_only_token", "certified_client", "bridge_client_session"),
    "internal_service_agent",
}
# Ours says in which headers a workspace is named and a client session's token may stand; the
# official document lists these schemes, and asks for them nowhere.
IN_HEADERS = {"seam_workspace", "client_session_token", "seam_client_session_token"}
PATHS = sorted(
    route.path
    for route in ROUTES
    if not route.path.startswith(OWN) and route.path not in OF_CLIENTS_ALONE
)
EVERY = pytest.mark.parametrize("path", PATHS)


def parameter_differences(ours: Contract, official: Contract, path: str) -> Iterator[str]:
    """In which parameters of a path the documents differ."""
    for verb in sorted(official.verbs(path)):
        mine, theirs = ours.parameters(path, verb), official.parameters(path, verb)
        for name in sorted(mine.schemas.keys() ^ theirs.schemas.keys()):
            yield f"{path} {verb}: {name}"
        for name in sorted(mine.required ^ theirs.required):
            yield f"{path} {verb}: {name} required"
        for name in sorted(mine.schemas.keys() & theirs.schemas.keys()):
            told = promises(mine.schemas[name], theirs.schemas[name])
            yield from (f"{path} {name}: {keyword}" for keyword in told)


def test_the_counts_are_those_of_the_package(official: Contract) -> None:
    package = CHECKOUT.node / "node_modules" / "@seamapi" / "types" / "package.json"
    assert json.loads(package.read_text())["version"] == PACKAGE_VERSION
    assert sorted(official.documented) == [*DOCUMENTED]


def test_the_event_types_are_those_of_the_package(official: Contract) -> None:
    variants = official.resources["event"]["oneOf"]
    told = [each["properties"]["event_type"]["enum"] for each in variants]
    assert sorted(one for several in told for one in several) == sorted(EVENT_TYPES)


def test_every_other_path_is_our_own(official: Contract) -> None:
    assert set(PATHS) <= official.paths
    assert set(PATHS) - official.documented == UNDOCUMENTED
    assert not OF_CLIENTS_ALONE & official.paths


@EVERY
def test_verbs(ours: Contract, official: Contract, path: str) -> None:
    assert ours.verbs(path) == official.verbs(path)


@EVERY
def test_action_types(ours: Contract, official: Contract, path: str) -> None:
    assert ours.action_types(path) == official.action_types(path)


@EVERY
def test_callers(ours: Contract, official: Contract, path: str) -> None:
    assert ours.callers(path) - IN_HEADERS == official.callers(path) - SEAMS_OWN


def test_schemes(ours: Contract, official: Contract) -> None:
    assert ours.schemes.keys() == official.schemes.keys() - SEAMS_OWN
    for name, scheme in ours.schemes.items():
        told = {key: text for key, text in scheme.items() if key != "description"}
        assert told == official.schemes[name]


@EVERY
def test_parameters(ours: Contract, official: Contract, path: str) -> None:
    assert undeclared(parameter_differences(ours, official, path)) == []


@EVERY
def test_answers(ours: Contract, official: Contract, path: str) -> None:
    key = official.response_key(path)
    assert ours.response_key(path) == key
    if key is None:
        return
    mine, theirs = merged(ours.answer(path)), merged(official.answer(path))
    told = theirs["properties"][key]
    if "$ref" in told.get("items", told):
        assert mine["properties"][key] == told
    else:  # written out where it stands, a variant of a resource
        resource = mine["properties"][key].get("items", mine["properties"][key])["$ref"]
        check_resource(ours.resources[resource.rpartition("/")[2]], told.get("items", told), key)
    lacking = {*theirs["required"]} - {*mine["required"]}
    assert undeclared(f"{path}.{name}: missing" for name in lacking) == []
    assert set(mine["properties"]) <= set(theirs["properties"])
    assert ("pagination" in mine["properties"]) == ("pagination" in theirs["properties"])


@pytest.mark.parametrize(
    "name",
    [
        *("workspace", "client_session", "connected_account", "acs_system", "acs_entrance"),
        "acs_user",
        *("acs_access_group", "acs_credential", "pagination", "user_identity", "instant_key"),
    ],
)
def test_resources(ours: Contract, official: Contract, name: str) -> None:
    check_resource(ours.resources[name], official.resources[name], name)


def check_resource(mine: Schema, theirs: Schema, name: str) -> None:
    """Whether a resource has what the official one has, in the same types."""
    assert set(theirs["required"]) <= set(mine["required"])
    more = {*mine["properties"]} - {*theirs["properties"]}
    assert undeclared(f"{name}.{field}: unknown" for field in more) == []
    for field in mine["properties"].keys() - more:
        schema, told = mine["properties"][field], theirs["properties"][field]
        assert schema["type"] == told["type"] or {schema["type"], told["type"]} == {
            "integer",
            "number",
        }, field
        assert schema.get("nullable", False) <= told.get("nullable", False), field
