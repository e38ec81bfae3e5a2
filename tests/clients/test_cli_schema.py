"""The Seam command line finds our calls in /openapi.json alone, parameters of every type too.

What the server understood shows in what it answers: the same as to the same call over plain HTTP,
and not the same as without the parameter.
"""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.clients.calls import Target
from tests.clients.seam_cli import SeamCli, seam_cli
from tests.running import API_KEY, GROUP, USER, RunningServer, running

pytestmark = pytest.mark.clients

_EVER = "2020-01-01T00:00:00Z"
_METADATA = """update connected_account set custom_metadata = '{"floor": "2", "is_main": true}'
where account_type = 'doorward_system'"""
_OLD = f"update acs_user set created_at = '2021-01-01' where acs_user_id = '{USER}'"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """A sandbox with metadata, and with one person older than the others."""
    with running(tmp_path_factory.mktemp("schema") / "data") as server:
        server.execute(_METADATA, _OLD)
        yield server


@pytest.fixture(scope="module")
def cli(server: RunningServer) -> SeamCli:
    return seam_cli(Target(server.endpoint, API_KEY))


def _rows(answer: dict[str, Any]) -> list[Any]:
    (rows,) = (value for value in answer.values() if isinstance(value, list))
    return rows


def _events(server: RunningServer) -> list[dict[str, Any]]:
    events: list[dict[str, Any]] = server.call("/events/list", since=_EVER).json()["events"]
    return events


@pytest.mark.parametrize("spelling", ["commas", "repeated"])
def test_arrays_of_ids(server: RunningServer, cli: SeamCli, spelling: str) -> None:
    ids = [event["event_id"] for event in _events(server)[:2]]
    words = (
        ["--event-ids", ",".join(ids)]
        if spelling == "commas"
        else [word for one in ids for word in ("--event-ids", one)]
    )
    printed = cli.run("events", "list", "--since", _EVER, *words)
    assert printed.exit_code == 0, printed.stderr
    plain = server.call("/events/list", since=_EVER, event_ids=ids).json()
    assert _rows(printed.answer) == plain["events"]
    assert {event["event_id"] for event in plain["events"]} == set(ids)
    assert len(_events(server)) > len(ids)


def test_arrays_of_words(server: RunningServer, cli: SeamCli) -> None:
    types = ["acs_entrance.added", "acs_system.added"]
    printed = cli.run("events", "list", "--since", _EVER, "--event-types", ",".join(types))
    assert printed.exit_code == 0, printed.stderr
    plain = server.call("/events/list", since=_EVER, event_types=types).json()["events"]
    assert _rows(printed.answer) == plain
    assert {event["event_type"] for event in plain} == set(types)


@pytest.mark.parametrize(
    ("metadata", "found"),
    [('{"floor":"2"}', 1), ('{"floor":"2","is_main":true}', 1), ('{"floor":"3"}', 0)],
)
def test_nested_objects(cli: SeamCli, metadata: str, found: int) -> None:
    printed = cli.run("connected-accounts", "list", "--custom-metadata-has", metadata)
    assert printed.exit_code == 0, printed.stderr
    assert len(_rows(printed.answer)) == found


@pytest.mark.parametrize("is_for_phones", [True, False])
def test_booleans(server: RunningServer, cli: SeamCli, is_for_phones: bool) -> None:
    word = str(is_for_phones).lower()
    printed = cli.run("acs", "credentials", "list", f"--is-multi-phone-sync-credential={word}")
    assert printed.exit_code == 0, printed.stderr
    every = server.call("/acs/credentials/list").json()["acs_credentials"]
    assert _rows(printed.answer) == ([] if is_for_phones else every)
    assert every


def test_numbers_and_pages(server: RunningServer, cli: SeamCli) -> None:
    printed = cli.run("acs", "users", "list", "--limit", "1")
    assert printed.exit_code == 0, printed.stderr
    assert _rows(printed.answer) == server.call("/acs/users/list", limit=1).json()["acs_users"]
    cursor = printed.answer["pagination"]["next_page_cursor"]
    following = cli.run("acs", "users", "list", "--limit", "1", f"--page-cursor={cursor}")
    assert len(_rows(following.answer)) == 1
    assert _rows(following.answer) != _rows(printed.answer)


def test_times(server: RunningServer, cli: SeamCli) -> None:
    printed = cli.run("acs", "users", "list", "--created-before", "2022-01-01T00:00:00Z")
    assert printed.exit_code == 0, printed.stderr
    assert [user["acs_user_id"] for user in _rows(printed.answer)] == [USER]
    assert len(server.call("/acs/users/list").json()["acs_users"]) > 1


def test_what_is_missing_is_told_before_a_call_is_made(cli: SeamCli) -> None:
    printed = cli.run("acs", "users", "add-to-access-group", "--acs-access-group-id", GROUP)
    assert printed.exit_code == 1
    assert "--acs-user-id" in printed.stderr


def test_our_own_calls(server: RunningServer, cli: SeamCli) -> None:
    printed = cli.run("doorward", "doors", "list")
    assert printed.exit_code == 0, printed.stderr
    mine = {door["acs_entrance_id"] for door in _rows(printed.answer)}
    plain = server.call("/doorward/doors/list").json()["doors"]
    assert mine == {door["acs_entrance_id"] for door in plain}
    assert mine
