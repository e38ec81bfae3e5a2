"""The route table: every call once, where its path says, in the form of the API."""

import importlib

import msgspec
import pytest

from doorward.api.table import ROUTES
from doorward.wire.route import Route

BY_PATH = {route.path: route for route in ROUTES}
# What the official clients do otherwise than the name says.
ODD = {
    "/acs/entrances/grant_access": "POST",
    "/client_sessions/create": "PUT",
    "/client_sessions/get_or_create": "POST",
    "/phones/deactivate": "DELETE",
    "/user_identities/grant_access_to_device": "PUT",
    "/user_identities/revoke_access_to_device": "DELETE",
}
EVERY = pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.path)


def test_every_path_once() -> None:
    assert len(BY_PATH) == len(ROUTES)


@EVERY
def test_a_module_is_its_urls_path(route: Route) -> None:
    # What is unmanaged is answered beside what is managed, and simulated beside what is real.
    module = route.path.strip("/").rpartition("/")[0].replace("/", ".").removesuffix(".unmanaged")
    module = module.replace("encoders.simulate", "encoders")
    routes = importlib.import_module(f"doorward.api.{module}").ROUTES
    assert route.path in {each.path for each in routes}


@EVERY
def test_every_call_can_be_posted(route: Route) -> None:
    assert "POST" in route.verbs
    assert (route.response_key is None) == (route.resource is None)


@EVERY
def test_verbs_follow_the_name(route: Route) -> None:
    name = route.path.rpartition("/")[2]
    first = {"get": "GET", "list": "GET", "explain": "GET", "add": "PUT", "remove": "DELETE"}
    first |= {"delete": "DELETE", "grant": "PATCH", "update": "PATCH"}
    first |= {"assign": "PATCH", "unassign": "PATCH"}
    assert route.verbs[0] == ODD.get(route.path, first.get(name.split("_")[0], "POST"))


@EVERY
def test_a_call_says_what_it_does(route: Route) -> None:
    assert route.summary[0].isupper()
    assert not route.summary.endswith(".")
    assert issubclass(route.request, msgspec.Struct)


def test_pages_are_as_long_as_the_api_says() -> None:
    limits = {route.path: route.page_limit for route in ROUTES if route.page_limit}
    assert limits == {
        "/action_attempts/list": 500,
        "/acs/credentials/list": 500,
        "/acs/encoders/list": 500,
        "/acs/entrances/list": 900,
        "/acs/users/list": 500,
        "/connected_accounts/list": 11_000,
        "/user_identities/list": 500,
        "/user_identities/unmanaged/list": 500,
    }
