"""Each driver sends what its client sends, and tells success from failure, against a listener."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from unittest.mock import ANY

import pytest

from tests.clients import documentation, replays
from tests.clients.calls import Member, Target
from tests.clients.client import Client, ReplayedClient
from tests.clients.conftest import obtain
from tests.clients.drivers import find
from tests.clients.listener import Listener, Recorded, listening

USER = "8d7e0b3a-b889-49a7-9164-4b71a0506a33"
IDENTITY = "00ff2781-cce8-4b63-8c65-2b97647d790c"
GROUP = "123e4567-e89b-12d3-a456-426614174000"
WORKSPACE = "398d80b7-3f96-47c2-b85a-6f8ba21d07be"
KEY = "seam_testDrivers_0123456789abcdefghijklmn"
PERSONAL_TOKEN = "seam_at1Drivers_0123456789abcdefghijklmn"
BY_USER = Member(GROUP, acs_user_id=USER)
BY_IDENTITY = Member(GROUP, user_identity_id=IDENTITY)
NOT_FOUND = {
    "error": {"type": "acs_user_not_found", "message": "The access system user was not found"},
    "ok": False,
}

pytestmark = pytest.mark.clients


@dataclass(frozen=True)
class Habit:
    """What a client does in its own way: verb, content type, the order of a body's names."""

    method: str
    content_type: str | None = None
    group_first: bool = False
    headers: tuple[tuple[str, str], ...] = ()


HABITS = {
    "python": Habit("DELETE", headers=(("seam-sdk-name", "seamapi/python"),)),
    "javascript": Habit("DELETE", headers=(("seam-sdk-name", "seamapi/javascript-http"),)),
    "cli": Habit(
        "POST", "application/json", headers=(("seam-sdk-name", "seamapi/javascript-http"),)
    ),
    "curl": Habit("POST", "application/json", headers=(("accept", "application/json"),)),
    "ruby": Habit("DELETE", "application/json", headers=(("seam-sdk-name", "seamapi/ruby"),)),
    "php": Habit(
        "POST",
        "application/json",
        group_first=True,
        headers=(("seam-sdk-name", "seamapi/php"), ("seam-lts-version", "1.0.0")),
    ),
}


@pytest.fixture
def listener() -> Iterator[Listener]:
    with listening() as listener:
        yield listener


@pytest.mark.parametrize("member", [BY_USER, BY_IDENTITY], ids=["user", "identity"])
def test_client_sends_what_it_is_known_to_send(
    official_client: Client, listener: Listener, member: Member
) -> None:
    outcome = official_client.remove_from_access_group(Target(listener.endpoint, KEY), member)

    assert (outcome.ok, outcome.exit_code) == (True, 0), outcome.stderr
    assert outcome.answer == official_client.documented_answer
    request = _only_call(listener)
    _assert_habit(HABITS[official_client.name], request, member)
    assert request.headers["authorization"] == f"Bearer {KEY}"
    assert "seam-workspace" not in request.headers


def _only_call(listener: Listener) -> Recorded:
    [request] = [each for each in listener.requests if each.path != "/openapi.json"]
    assert request.path == "/acs/users/remove_from_access_group"
    return request


def _assert_habit(habit: Habit, request: Recorded, member: Member) -> None:
    assert request.method == habit.method
    assert request.headers.get("content-type") == habit.content_type
    assert dict(habit.headers).items() <= request.headers.items()
    parameters = member.parameters()
    if habit.method == "DELETE":
        query = "&".join(f"{name}={value}" for name, value in sorted(parameters.items()))
        assert request.query == f"{query}&_strict=true"
        assert request.body == b""
    else:
        assert request.query == ""
        assert list(json.loads(request.body)) == sorted(parameters, key=_order(habit))
        assert json.loads(request.body) == parameters


def _order(habit: Habit) -> Any:
    return lambda name: (name == "acs_access_group_id") != habit.group_first


def test_personal_access_token_names_its_workspace(
    official_client: Client, listener: Listener
) -> None:
    if not official_client.takes_personal_tokens:
        pytest.skip(f"{official_client.name} has no personal access tokens")
    target = Target(listener.endpoint, PERSONAL_TOKEN, WORKSPACE)

    outcome = official_client.remove_from_access_group(target, BY_USER)

    assert outcome.ok, outcome.stderr
    headers = _only_call(listener).headers
    assert headers["authorization"] == f"Bearer {PERSONAL_TOKEN}"
    assert headers["seam-workspace"] == WORKSPACE


def test_client_without_personal_tokens_refuses_one(listener: Listener) -> None:
    target = Target(listener.endpoint, PERSONAL_TOKEN, WORKSPACE)

    with pytest.raises(ValueError, match="php"):
        find("php").remove_from_access_group(target, BY_USER)

    assert listener.requests == []


def test_error_of_the_api_is_a_failure(official_client: Client, listener: Listener) -> None:
    listener.status, listener.body = 404, NOT_FOUND

    outcome = official_client.remove_from_access_group(Target(listener.endpoint, KEY), BY_USER)

    assert not outcome.ok
    assert "The access system user was not found" in outcome.stdout + outcome.stderr
    _only_call(listener)


def test_cli_prints_the_status_and_the_error(listener: Listener) -> None:
    listener.status, listener.body = 404, NOT_FOUND

    outcome = obtain("cli").remove_from_access_group(Target(listener.endpoint, KEY), BY_USER)

    assert outcome.exit_code == 1
    assert outcome.stderr.strip() == "[404]"
    assert json.loads(outcome.answer) == {"error": NOT_FOUND["error"]}


def test_cli_learns_the_calls_from_the_server_without_a_token(listener: Listener) -> None:
    obtain("cli").remove_from_access_group(Target(listener.endpoint, KEY), BY_USER)

    learning, _ = listener.requests
    assert (learning.method, learning.path) == ("GET", "/openapi.json")
    assert "authorization" not in learning.headers


def test_replay_of_ruby_announces_json_and_sends_no_length() -> None:
    request = replays.ruby_request(Target("http://127.0.0.1:8765", KEY), BY_USER)

    assert request.startswith(
        b"DELETE /acs/users/remove_from_access_group"
        b"?acs_access_group_id=123e4567-e89b-12d3-a456-426614174000"
        b"&acs_user_id=8d7e0b3a-b889-49a7-9164-4b71a0506a33&_strict=true HTTP/1.1\r\n"
    )
    assert b"\r\nContent-Type: application/json\r\n" in request
    assert b"content-length" not in request.lower()
    assert request.endswith(b"\r\nHost: 127.0.0.1:8765\r\n\r\n")


def test_replay_of_php_puts_the_group_first() -> None:
    request = replays.php_request(Target("http://127.0.0.1:8765", KEY), BY_USER)

    assert request.startswith(b"POST /acs/users/remove_from_access_group HTTP/1.1\r\nHost: ")
    assert request.endswith(
        b"\r\nContent-Type: application/json\r\nContent-Length: 115\r\n\r\n"
        b'{"acs_access_group_id":"123e4567-e89b-12d3-a456-426614174000",'
        b'"acs_user_id":"8d7e0b3a-b889-49a7-9164-4b71a0506a33"}'
    )


@pytest.mark.parametrize(
    ("name", "request_of"),
    [
        ("curl", replays.curl_request),
        ("ruby", replays.ruby_request),
        ("php", replays.php_request),
    ],
)
def test_replay_does_what_the_client_does(listener: Listener, name: str, request_of: Any) -> None:
    replay = ReplayedClient(name, "for this test", request_of)

    outcome = replay.remove_from_access_group(Target(listener.endpoint, KEY), BY_IDENTITY)

    assert (outcome.ok, outcome.answer) == (True, "{}")
    _assert_habit(HABITS[name], _only_call(listener), BY_IDENTITY)


def test_replay_of_curl_says_what_curl_says(listener: Listener) -> None:
    target = Target(listener.endpoint, PERSONAL_TOKEN, WORKSPACE)
    client = find("curl")
    if not client.real:
        pytest.skip(client.reason)
    client.remove_from_access_group(target, BY_USER)
    replays.send(target, replays.curl_request(target, BY_USER))

    real, replayed = listener.requests
    assert replayed.body == real.body
    versioned = {"user-agent": ANY}
    assert replayed.headers == real.headers | versioned


DOCUMENTED = {
    documentation.python: """\
seam.acs.users.remove_from_access_group(
    acs_user_id="8d7e0b3a-b889-49a7-9164-4b71a0506a33",
    acs_access_group_id="123e4567-e89b-12d3-a456-426614174000",
)""",
    documentation.javascript: """\
await seam.acs.users.removeFromAccessGroup({
  acs_user_id: "8d7e0b3a-b889-49a7-9164-4b71a0506a33",
  acs_access_group_id: "123e4567-e89b-12d3-a456-426614174000",
});""",
    documentation.ruby: """\
seam.acs.users.remove_from_access_group(
  acs_user_id: "8d7e0b3a-b889-49a7-9164-4b71a0506a33",
  acs_access_group_id: "123e4567-e89b-12d3-a456-426614174000",
)""",
    documentation.php: """\
$seam->acs->users->remove_from_access_group(
    acs_user_id: "8d7e0b3a-b889-49a7-9164-4b71a0506a33",
    acs_access_group_id: "123e4567-e89b-12d3-a456-426614174000"
);""",
    documentation.curl: """\
curl --include --request POST "https://connect.getseam.com/acs/users/remove_from_access_group" \\
  --header "Authorization: Bearer $SEAM_API_KEY" \\
  --json @- <<EOF
{
  "acs_user_id": "8d7e0b3a-b889-49a7-9164-4b71a0506a33",
  "acs_access_group_id": "123e4567-e89b-12d3-a456-426614174000"
}
EOF""",
    documentation.cli: (
        "seam acs users remove-from-access-group"
        ' --acs_user_id "8d7e0b3a-b889-49a7-9164-4b71a0506a33"'
        ' --acs_access_group_id "123e4567-e89b-12d3-a456-426614174000"'
    ),
}


@pytest.mark.parametrize("call", DOCUMENTED, ids=lambda call: call.__name__)
def test_code_is_the_documentations(call: Any) -> None:
    assert call(BY_USER) == DOCUMENTED[call]
