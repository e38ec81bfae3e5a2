"""The recorder hears every server, and an answer that breaks the contract fails its test."""

import json
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest

from doorward.api.table import ROUTES
from doorward.testing.hosting import Host
from doorward.wire import app
from doorward.wire.reply import Reply
from tests.contract.official import Contract
from tests.recording import hook, plugin
from tests.recording.answers import Answer, Judge
from tests.recording.plugin import WATCH, Watch, pytest_runtest_teardown
from tests.recording.sent import Sent, parameters
from tests.running import running
from tests.wire.toy import CURSOR_KEY, Tokens, ToyHealth

LIST = "/acs/systems/list"
GONE: dict[str, Any] = {"ok": False, "error": {"type": "acs_system_not_found", "message": "no"}}
# An answer, and what is wrong with it.
ANSWERS: list[tuple[str, int, Any, list[str]]] = [
    (LIST, 200, {"acs_systems": [], "ok": True}, []),
    ("/acs/users/suspend", 200, {}, []),
    ("/acs/systems/get", 404, GONE, []),
    ("/acs/systems/get", 405, GONE, ["error acs_system_not_found"]),
    ("/workspaces/get", 404, GONE, ["error acs_system_not_found"]),
    ("/acs/systems/get", 404, GONE | {"ok": True}, ["envelope"]),
    ("/acs/systems/get", 404, GONE | {"error": GONE["error"] | {"code": 7}}, ["members"]),
    (LIST, 200, {"acs_systems": []}, [f"{LIST}.ok: missing", f"{LIST}.ok: missing"]),
    ("/doorward/doors/list", 200, {"doors": [], "ok": 1}, ["/doorward/doors/list.ok: type"]),
]


@pytest.fixture(scope="module")
def judge(official: Contract) -> Judge:  # noqa: ARG001 - without it half of the judge is missing
    return Judge()


@pytest.mark.parametrize(("path", "status", "body", "wrong"), ANSWERS)
def test_answers(judge: Judge, path: str, status: int, body: Any, wrong: list[str]) -> None:
    told = judge.differences(Answer(path, "POST", status, body))
    assert len(told) == len(wrong)
    assert all(each in one for each, one in zip(wrong, told, strict=True)), told


@pytest.fixture
def watch(request: pytest.FixtureRequest) -> Iterator[Watch]:
    """The notes of this process, read to their end; what was sent before is kept for the run."""
    watch = request.config.stash[WATCH]
    watch.take(request.node.nodeid)
    before, watch.sent = watch.sent, Sent()
    yield watch
    watch.sent = before


def _fails(watch: Watch) -> str:
    """What a test is told whose notes these are, empty where it passes."""
    item: Any = SimpleNamespace(config=SimpleNamespace(stash={WATCH: watch}), nodeid="tests/api/x")
    judging = pytest_runtest_teardown(item)
    next(judging)
    try:
        next(judging)
    except StopIteration:
        return ""
    except pytest.fail.Exception as failure:
        return str(failure)
    raise AssertionError("it waits for something else")


async def _ask(path: str, **headers: str) -> httpx.Response:
    """A call of the real table in this process, by somebody whose token nobody knows."""
    api = app.Api(ROUTES, Tokens(), None, cursor_key=CURSOR_KEY, health=ToyHealth())
    transport = httpx.ASGITransport(api)
    async with httpx.AsyncClient(transport=transport, base_url="http://doors.test") as client:
        return await client.post(path, headers=headers)


async def test_a_server_in_this_process_is_heard(
    watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    await _ask(LIST)
    assert _fails(watch) == ""
    broken = Reply(401, b'{"error": {"type": "unheard_of", "message": ""}, "ok": false}')
    monkeypatch.setattr(app, "refused", lambda _: broken)
    await _ask(LIST)
    assert _fails(watch).endswith(f"POST {LIST}: {LIST}(401): error unheard_of")


def test_forked_servers_are_heard(watch: Watch, doorward_host: Host) -> None:
    with doorward_host.serve() as server:
        server.call(LIST, search="Office")
        _check_heard(watch)


def test_servers_of_their_own_are_heard(watch: Watch, tmp_path: Path) -> None:
    with running(tmp_path / "data") as server:
        server.call(LIST, search="Office").raise_for_status()
        _check_heard(watch)


def _check_heard(watch: Watch) -> None:
    lines = (watch.folder / hook.NOTES).read_text().splitlines()
    answers = [note for note in map(json.loads, lines) if note.get("status") == 200]
    assert answers[-1]["path"] == LIST
    assert answers[-1]["body"]["acs_systems"][0]["name"] == "Sandbox Office"
    assert _fails(watch) == ""
    assert watch.sent.plain() == {f"{LIST} search": ["tests/api/x"]}


def test_a_run_of_everything_that_leaves_a_parameter_out_fails(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    total = plugin.Total()
    config = SimpleNamespace(stash={plugin.TOTAL: total}, getoption=lambda _: None)
    session: Any = SimpleNamespace(config=config, exitstatus=pytest.ExitCode.OK)
    several = sorted(parameters())
    monkeypatch.setattr(plugin, "_file", lambda _: None)
    plugin.pytest_sessionfinish(session)
    assert session.exitstatus == pytest.ExitCode.OK
    monkeypatch.setattr(plugin, "_file", lambda _: Path("sent.json"))
    total.sent.add({each: ["tests/api/x"] for each in several})
    plugin.pytest_sessionfinish(session)
    assert session.exitstatus == pytest.ExitCode.OK
    del total.sent.tests[several[0]]
    plugin.pytest_sessionfinish(session)
    assert session.exitstatus == pytest.ExitCode.TESTS_FAILED


def test_what_was_sent_is_asked_for(tmp_path: Path) -> None:
    sent = Sent()
    assert sent.missing() == sorted(parameters())
    sent.note("tests/properties/test_walk.py::test_all", "/acs/systems/get", ["acs_system_id"])
    assert sent.missing() == sorted(parameters())
    sent.note("tests/api/x.py::test_it", "/acs/systems/get", ["acs_system_id"])
    sent.add({"/acs/systems/list search": ["tests/api/x.py::test_it"]})
    asked = {"/acs/systems/get acs_system_id", "/acs/systems/list search"}
    assert sent.missing() == sorted(parameters() - asked)
    sent.keep(tmp_path / "sent.json", {"tests/api/x.py::test_it": 0.25})
    kept = json.loads((tmp_path / "sent.json").read_text())
    assert kept == {each: {"tests/api/x.py::test_it": 0.25} for each in asked}


@pytest.mark.parametrize(
    ("one", "other", "are_alike"),
    [
        ({"name": "a"}, {"name": "b"}, True),
        ({"name": "a"}, {"name": None}, False),
        ({"name": "a"}, {"names": "a"}, False),
        ({"event_type": "a.b"}, {"event_type": "a.c"}, False),
        ({"code": "1234"}, {"code": "5678"}, True),
        ({"at": "2026-01-01T00:00:00.000Z"}, {"at": "2026-01-01T00:00:00Z"}, False),
        ({"rows": [{"a": 1}, {"a": 2}]}, {"rows": [{"a": 3}]}, True),
        ({"rows": [{"a": 1}, {"a": "x"}]}, {"rows": [{"a": 3}]}, False),
        ({"custom_metadata": {"a": "x"}}, {"custom_metadata": {"b": "y"}}, True),
        ({"custom_metadata": {"a": "x"}}, {"custom_metadata": {"b": None}}, False),
    ],
)
def test_shapes(one: Any, other: Any, are_alike: bool) -> None:
    assert (hook._shape(one) == hook._shape(other)) is are_alike
