"""What a newcomer does on the page at /docs: look, authorize, try calls out."""

from typing import Any

import pytest
from playwright.sync_api import Locator

from doorward.api.table import ROUTES
from tests.browser.docs_page import DocsPage, parameter
from tests.running import (
    ACCESS_TOKEN,
    API_KEY,
    GROUP,
    USER,
    WORKSPACE,
    RunningServer,
    seed_card,
)

pytestmark = pytest.mark.slow


def test_it_shows_every_call_and_asks_nobody_else(docs: DocsPage) -> None:
    assert docs.page.title() == "The calls of this Doorward"
    shown = {
        text.replace("\u200b", "")
        for text in docs.page.locator(".opblock-summary-path").all_inner_texts()
    }
    assert shown == {route.path for route in ROUTES}
    assert docs.page.locator(".opblock").count() == sum(len(route.verbs) for route in ROUTES)
    assert docs.hosts == {docs.endpoint.removeprefix("http://")}
    assert docs.complaints == []


def test_its_title_comes_first(docs: DocsPage) -> None:
    words = docs.page.locator("main").inner_text()
    assert words.startswith("Doorward")
    assert words.index("To try a call:") < words.index("Authorize\n")
    docs.authorize(api_key=API_KEY)
    assert docs.page.locator("main").inner_text().count("To try a call:") == 1


def test_without_a_token_the_answer_says_so(docs: DocsPage) -> None:
    answer = docs.call("acsUsersGetGet")
    assert (answer.status, answer.body["error"]["type"]) == (401, "unauthorized")


def test_the_example_finds_the_sandboxs_person(docs: DocsPage) -> None:
    docs.authorize(api_key=API_KEY)
    got, posted = docs.call("acsUsersGetGet"), docs.call("acsUsersGetPost")
    assert got.status == posted.status == 200
    assert got.body == posted.body
    assert got.body["acs_user"]["acs_user_id"] == USER
    assert got.url.endswith(f"/acs/users/get?acs_user_id={USER}")
    assert docs.complaints == []


def test_a_personal_access_token_with_its_workspace(docs: DocsPage) -> None:
    docs.authorize(pat_with_workspace=ACCESS_TOKEN, seam_workspace=WORKSPACE)
    answer = docs.call("workspacesGetGet")
    assert answer.body["workspace"]["workspace_id"] == WORKSPACE


def test_the_door_refuses_after_the_call(docs: DocsPage, server: RunningServer) -> None:
    card = seed_card(server)
    assert server.present(*card)["outcome"] == "allow"
    docs.authorize(api_key=API_KEY)
    removed = docs.call("acsUsersRemoveFromAccessGroupDelete")
    assert (removed.status, removed.body) == (200, {})
    assert removed.url.endswith(
        f"/acs/users/remove_from_access_group?acs_access_group_id={GROUP}&acs_user_id={USER}"
    )
    assert server.present(*card)["reason"] == "deny_no_access"
    assert docs.call("acsUsersAddToAccessGroupPut").status == 200
    assert server.present(*card)["outcome"] == "allow"


def test_arrays_are_understood(docs: DocsPage, server: RunningServer) -> None:
    types = ["acs_entrance.added", "acs_system.added"]

    def choose(call: Locator) -> None:
        parameter(call, "since").locator("input").fill("2020-01-01T00:00:00Z")
        parameter(call, "event_types").locator("select").select_option(types)

    docs.authorize(api_key=API_KEY)
    answer = docs.call("eventsListGet", choose)
    assert "event_types=acs_entrance.added&event_types=acs_system.added" in answer.url
    plain = _events(server, event_types=types)
    assert answer.body["events"] == plain
    assert {event["event_type"] for event in plain} == set(types)
    assert len(plain) < len(_events(server))


def _events(server: RunningServer, **more: Any) -> list[dict[str, Any]]:
    asked = {"since": "2020-01-01T00:00:00Z", **more}
    events: list[dict[str, Any]] = server.call("/events/list", **asked).json()["events"]
    return events


@pytest.mark.parametrize(
    ("metadata", "found"),
    [('{"floor": "2", "a b": "x&y"}', 1), ('{"floor": "3"}', 0), (None, 3)],
)
def test_objects_are_understood(docs: DocsPage, metadata: str | None, found: int) -> None:
    def write(call: Locator) -> None:
        if metadata is not None:
            parameter(call, "custom_metadata_has").locator("textarea").fill(metadata)

    docs.authorize(api_key=API_KEY)
    answer = docs.call("connectedAccountsListGet", write)
    assert ("custom_metadata_has" in answer.url) == (metadata is not None)
    assert len(answer.body["connected_accounts"]) == found


def test_the_token_is_gone_with_the_page(docs: DocsPage) -> None:
    docs.authorize(api_key=API_KEY)
    assert docs.call("workspacesGetGet").status == 200
    assert set(docs.kept().values()) == {0}
    docs.load()
    assert docs.call("workspacesGetGet").status == 401
