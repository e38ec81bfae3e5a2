"""Every official client led through a list of calls, so that a listener hears what it sends.

A client makes all its calls in one process. What it is handed are JSON values; a moment reaches it
as its own language's type.
"""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from doorward.api.table import ROUTES
from doorward.wire.openapi import document
from doorward.wire.route import Route
from tests.clients import replays
from tests.clients.calls import Target
from tests.clients.client import ClientMissingError
from tests.clients.drivers import find
from tests.clients.listener import Listener, Recorded
from tests.clients.node_packages import node_program
from tests.clients.places import CHECKOUT
from tests.parameters import Moment, Parameter

HERE = Path(__file__).parent
LIMIT = 240.0
_BY_PATH = {route.path: route for route in ROUTES}


@dataclass(frozen=True)
class Planned:
    """A call that a client is to make."""

    route: Route
    parameters: Parameter


@dataclass(frozen=True)
class Made:
    """What a client made of it.

    given: the parameters, of which a client leaves out those that it does not know; None where it
    does not know the call. outcome: "done", or what it said instead. requests: what it sent.
    """

    planned: Planned
    given: Parameter | None
    outcome: str
    requests: Sequence[Recorded]


@dataclass(frozen=True)
class Guide:
    """How a client is led: really, or by replaying its form, with the reason."""

    name: str
    lead: Callable[[Target, Sequence[Planned]], Sequence[Mapping[str, Any]]]
    reason: str = ""

    def tour(self, listener: Listener, token: str, calls: Sequence[Planned]) -> list[Made]:
        """Makes the calls, one after the other. Raises ClientMissingError."""
        listener.bodies = {call.route.path: plausible(call.route) for call in calls}
        listener.openapi = document(ROUTES)
        ends = self.lead(Target(listener.endpoint, token), calls)
        heard = _between_marks(listener.requests)
        assert len(ends) == len(calls) == len(heard), (self.name, len(ends), len(heard))
        return [
            Made(call, end.get("given"), end["outcome"], requests)
            for call, end, requests in zip(calls, ends, heard, strict=True)
        ]


# Clients wait for an attempt that has not ended, and would ask for ever.
ENDED: Final[dict[str, Any]] = {
    "action_attempt_id": "0a0a0a0a-0a0a-4a0a-8a0a-0a0a0a0a0a0a",
    "action_type": "UNLOCK_DOOR",
    "status": "success",
    "result": {},
    "error": None,
}


def plausible(route: Route) -> dict[str, Any]:
    """The least that a client takes for the answer of a route."""
    if route.response_key is None:
        return {}
    one = ENDED if route.response_key == "action_attempt" else {}
    body: dict[str, Any] = {route.response_key: [] if route.is_list else one, "ok": True}
    if route.page_limit is not None:
        nothing_more = {"next_page_cursor": None, "has_next_page": False, "next_page_url": None}
        body["pagination"] = nothing_more
    return body


def _between_marks(requests: Sequence[Recorded]) -> list[list[Recorded]]:
    heard: list[list[Recorded]] = []
    for request in requests:
        if request.path.startswith("/mark/"):
            heard.append([])
        elif request.path != "/openapi.json":
            heard[-1].append(request)
    return heard


def _own(value: Any) -> Any:
    """JSON for the programs: a moment is marked, so that it becomes the language's own."""
    match value:
        case Moment():
            return {"moment": str(value)}
        case list():
            return [_own(each) for each in value]
        case dict():
            return {name: _own(each) for name, each in value.items()}
        case _:
            return value


def _plain(value: Any) -> Any:
    match value:
        case {"moment": str(text)}:
            return Moment(text)
        case list():
            return [_plain(each) for each in value]
        case dict():
            return {name: _plain(each) for name, each in value.items()}
        case _:
            return value


def _run(
    command: Sequence[str], environment: Mapping[str, str], given: Any, folder: Path | None = None
) -> list[dict[str, Any]]:
    with tempfile.TemporaryDirectory() as home:
        done = subprocess.run(
            command,
            input=json.dumps(given),
            env={"PATH": os.environ.get("PATH", os.defpath), "HOME": home, **environment},
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=LIMIT,
            check=False,
        )
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def _tour(
    command: Sequence[str],
    environment: Mapping[str, str],
    calls: Sequence[Planned],
    folder: Path | None = None,
) -> list[dict[str, Any]]:
    listed = [[call.route.path, _own(call.parameters)] for call in calls]
    ends = _run(command, environment, listed, folder)
    return [{**end, "given": _plain(end.get("given"))} for end in ends]


def _python(target: Target, calls: Sequence[Planned]) -> list[dict[str, Any]]:
    find("python")
    environment = {"SEAM_ENDPOINT": target.endpoint, "SEAM_API_KEY": target.token}
    return _tour((sys.executable, str(HERE / "tour.py")), environment, calls)


def _javascript(package: str) -> Callable[[Target, Sequence[Planned]], list[dict[str, Any]]]:
    def lead(target: Target, calls: Sequence[Planned]) -> list[dict[str, Any]]:
        environment = {
            "SEAM_ENDPOINT": target.endpoint,
            "SEAM_API_KEY": target.token,
            "TOUR_PACKAGE": package,
        }
        return _tour(_node("tour.mjs"), environment, calls, CHECKOUT.node)

    return lead


def _node(program: str) -> tuple[str, ...]:
    find("javascript")
    # Node looks for packages beside the program, and a program that is no file is in the folder
    # from which it is started.
    return (str(node_program()), "--input-type=module", "--eval", (HERE / program).read_text())


def _cli(target: Target, calls: Sequence[Planned]) -> list[dict[str, Any]]:
    environment = {"SEAM_CLI_ENDPOINT": target.endpoint, "SEAM_CLI_TOKEN": target.token}
    lines = [_command_line(call, number % 2 == 0) for number, call in enumerate(calls)]
    with tempfile.NamedTemporaryFile("w", suffix=".json") as listed:
        listed.write(json.dumps(lines))
        listed.flush()
        environment["TOUR_CALLS"] = listed.name
        ends = _run(_node("tour_cli.mjs"), environment, None, CHECKOUT.node)
    return [{**end, "given": call.parameters} for end, call in zip(ends, calls, strict=True)]


def _command_line(call: Planned, by_flags: bool) -> list[str]:
    """The call with a flag for each parameter, or with all of them as JSON."""
    words = call.route.path.strip("/").replace("_", "-").split("/")
    if by_flags and all(map(_is_flag, call.parameters.values())):
        given = [flag for name, value in call.parameters.items() for flag in _flags(name, value)]
    else:
        given = [f"--raw={json.dumps(call.parameters, ensure_ascii=False)}"]
    return [*words, *given, "--remote-schema", "-y"]


def _is_flag(value: Any) -> bool:
    # A flag for a list splits its text at commas, and none can stand for an empty list.
    return value != [] and not (isinstance(value, list) and any("," in str(one) for one in value))


def _flags(name: str, value: Any) -> Iterator[str]:
    flag = f"--{name.replace('_', '-')}"
    match value:
        case list():
            yield from (f"{flag}={one}" for one in value)
        case str():
            yield f"{flag}={value}"
        case _:
            yield f"{flag}={json.dumps(value, ensure_ascii=False)}"


def _curl(target: Target, calls: Sequence[Planned]) -> list[dict[str, Any]]:
    client = find("curl")
    if not client.real:
        return _replayed(replays.curl_call)(target, calls)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        parts = [_curl_part(target, call, folder / f"{n}.json", n) for n, call in enumerate(calls)]
        (folder / "calls").write_text("next\n".join(part for pair in parts for part in pair))
        command = ("curl", "--silent", "--show-error", "--config", str(folder / "calls"))
        done = subprocess.run(command, capture_output=True, timeout=LIMIT, check=False)
    assert done.returncode == 0, done.stderr
    return [{"outcome": "done", "given": call.parameters} for call in calls]


def _curl_part(target: Target, call: Planned, body: Path, number: int) -> tuple[str, str]:
    body.write_text(json.dumps(call.parameters, indent=2, ensure_ascii=False) + "\n")
    mark = f'url = "{target.endpoint}/mark/{number}"\n'
    made = (
        f'request = "POST"\nurl = "{target.endpoint}{call.route.path}"\n'
        f'header = "Authorization: Bearer {target.token}"\njson = "@{body}"\n'
    )
    return mark, made


def _replayed(
    request_of: Callable[[Target, Route, Parameter], bytes],
) -> Callable[[Target, Sequence[Planned]], list[dict[str, Any]]]:
    def lead(target: Target, calls: Sequence[Planned]) -> list[dict[str, Any]]:
        for number, call in enumerate(calls):
            mark = f"GET /mark/{number} HTTP/1.1\r\nHost: {target.authority}\r\n\r\n"
            replays.send(target, mark.encode())
            replays.send(target, request_of(target, call.route, call.parameters))
        return [{"outcome": "done", "given": call.parameters} for call in calls]

    return lead


_ONE_CALL = "the real one is led through one call alone, where it can be had"
GUIDES = {
    guide.name: guide
    for guide in (
        Guide("python", _python),
        Guide("javascript", _javascript("seam")),
        Guide("javascript-lts", _javascript("seam-lts")),
        Guide("cli", _cli),
        Guide("curl", _curl),
        Guide("ruby", _replayed(replays.ruby_call), _ONE_CALL),
        Guide("php", _replayed(replays.php_call), _ONE_CALL),
    )
}


def summary() -> str:
    """Which clients are led through all calls for real, and which are replayed."""
    real: list[str] = []
    replayed: list[str] = []
    for guide in GUIDES.values():
        reason = guide.reason or _missing(guide.name)
        (replayed if reason else real).append(guide.name)
    return f"all calls of the table: {', '.join(real)} real; {', '.join(replayed)} replayed"


def _missing(name: str) -> str:
    try:
        return find(name.removesuffix("-lts")).reason
    except ClientMissingError as error:
        return str(error)
