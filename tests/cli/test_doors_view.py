"""The live view of `doorward doors`, without a terminal."""

from collections.abc import AsyncIterator
from threading import Event
from typing import Any

import httpx
import pytest
from textual.pilot import Pilot
from textual.widgets import DataTable, OptionList, RichLog, Static

from doorward.cli.doors_view import DoorsView
from doorward.cli.http import connect
from tests.cli import answers
from tests.cli.fake import FakeServer

LIST = "/doorward/doors/list"
HOLD = "/doorward/simulate/hold_controller"
PRESENT = "/doorward/doors/present"
GROUPS = "/acs/access_groups/list"
REMOVE = "/acs/users/remove_from_access_group"
ADD = "/acs/users/add_to_access_group"

LIVE = Pilot[None]


@pytest.fixture(autouse=True)
def a_site(fake: FakeServer) -> None:
    """Two doors; Jane, who has a card, a code and one of two groups; John, who has nothing."""
    _doors(fake)
    jane, john = answers.user(), answers.user(answers.JOHN, "John [x]")
    fake.answers("/acs/users/list", {"acs_users": [jane, john], "ok": True})
    fake.answers("/acs/users/get", {"acs_user": jane, "ok": True})
    owner = {"acs_user_id": answers.JANE}
    card = {**owner, "card_number": "42-12345", "code": None}
    code = {**owner, "card_number": None, "code": "0815"}
    fake.answers("/acs/credentials/list", {"acs_credentials": [card, code], "ok": True})
    fake.answers(PRESENT, answers.decision("deny", "deny_no_access", 11))
    for path in (HOLD, REMOVE, ADD):
        fake.answers(path, {})
    fake.computes(GROUPS, _groups)


def _doors(fake: FakeServer, **controller: Any) -> None:
    lab = answers.door(answers.LAB, "Lab", controller=answers.controller(**controller))
    fake.answers(LIST, answers.doors(answers.door(answers.FRONT, "Front Door"), lab))


def _groups(parameters: dict[str, Any]) -> tuple[int, Any]:
    staff = {"acs_access_group_id": answers.STAFF, "display_name": "Staff"}
    night = {"acs_access_group_id": answers.LAB, "display_name": "Night"}
    found = [staff] if "acs_user_id" in parameters else [staff, night]
    return 200, {"acs_access_groups": found, "ok": True}


@pytest.fixture
async def live(fake: FakeServer) -> AsyncIterator[LIVE]:
    """The view, as it is once the doors are there."""
    assert fake.endpoint
    async with connect() as client, DoorsView(client).run_test(size=(140, 40)) as pilot:
        await settled(pilot)
        yield pilot


async def settled(pilot: LIVE) -> None:
    """Waits for calls under way, and for what follows from them to be shown.

    A dialog's worker waits for the dialog, and so is not waited for.
    """
    await pilot.pause()
    for _ in range(1000):
        if pilot.app.screen.query(OptionList) or not list(pilot.app.workers):
            break
        await pilot.pause(0.005)
    await pilot.pause()


def cells(pilot: LIVE, row: int) -> list[str]:
    table = pilot.app.query_one("#doors", DataTable)
    return [cell.plain for cell in table.get_row_at(row)]


def status(pilot: LIVE) -> str:
    return str(pilot.app.query_one("#status", Static).render())


def log(pilot: LIVE) -> str:
    lines = pilot.app.query_one("#log", RichLog).lines
    return "\n".join(line.text for line in lines)


def choices(pilot: LIVE) -> list[str]:
    options = pilot.app.screen.query_one(OptionList)
    return [str(options.get_option_at_index(n).prompt) for n in range(options.option_count)]


async def press(pilot: LIVE, *keys: str) -> None:
    await pilot.press(*keys)
    await settled(pilot)


async def test_shows_every_door(live: LIVE) -> None:
    assert cells(live, 0)[0] == "Front Door"
    assert cells(live, 1)[:4] == ["Lab", "locked", "● off", "-"]
    assert status(live).endswith("2 entrances")


async def test_shows_what_happens(live: LIVE, fake: FakeServer) -> None:
    read = answers.last_read("deny", "deny_no_access")
    fake.answers(LIST, answers.doors(answers.door(answers.FRONT, "Front Door", last_read=read)))
    for _ in range(200):
        if cells(live, 0)[4] != "-":
            break
        await live.pause(0.02)
    assert cells(live, 0)[4:6] == ["deny_no_access (revision 12)", "Jane Doe"]
    assert status(live).endswith("1 entrances")


async def test_presents_a_card_from_the_list(live: LIVE, fake: FakeServer) -> None:
    await press(live, "down", "p")
    assert choices(live) == ["Jane Doe, card 42-12345", "Jane Doe, code 0815"]
    await press(live, "enter")
    sent = {"acs_entrance_id": answers.LAB, "card_number": "42-12345"}
    assert fake.parameters(PRESENT) == [sent]
    assert log(live) == "Lab: Jane Doe, card 42-12345: deny_no_access, rule 11, revision 12"


async def test_presents_what_is_typed(live: LIVE, fake: FakeServer) -> None:
    await press(live, "p")
    await press(live, *"4711")
    assert choices(live) == ["card 4711", "code 4711"]
    await press(live, "down", "enter")
    assert fake.parameters(PRESENT) == [{"acs_entrance_id": answers.FRONT, "code": "4711"}]


async def test_typing_narrows_the_list(live: LIVE) -> None:
    await press(live, "p")
    await press(live, *"CODE")
    assert choices(live) == ["Jane Doe, code 0815", "card CODE"]


async def test_escape_presents_nothing(live: LIVE, fake: FakeServer) -> None:
    await press(live, "p")
    await press(live, "escape")
    assert fake.parameters(PRESENT) == []


async def test_cuts_a_controller_off_and_lets_it_back(live: LIVE, fake: FakeServer) -> None:
    await press(live, "c")
    assert fake.parameters(HOLD) == [{"controller_id": answers.CONTROLLER, "is_held": True}]
    _doors(fake, is_held=True)
    await press(live, "down", "c")
    await press(live, "c")
    assert fake.parameters(HOLD)[-1] == {"controller_id": answers.CONTROLLER, "is_held": False}
    assert "cut off" in cells(live, 1)[-1]


async def test_takes_somebody_out_of_a_group(live: LIVE, fake: FakeServer) -> None:
    await press(live, "g")
    assert choices(live) == ["Jane Doe", "John [x]"]
    await press(live, "enter")
    assert choices(live) == ["into Night", "out of Staff"]
    await press(live, "down", "enter")
    sent = {"acs_user_id": answers.JANE, "acs_access_group_id": answers.STAFF}
    assert fake.parameters(REMOVE) == [sent]
    assert log(live) == "Jane Doe: out of Staff"


async def test_puts_somebody_into_a_group(live: LIVE, fake: FakeServer) -> None:
    await press(live, "g")
    await press(live, "enter")
    await press(live, "enter")
    sent = {"acs_user_id": answers.JANE, "acs_access_group_id": answers.LAB}
    assert fake.parameters(ADD) == [sent]
    assert {"acs_system_id": answers.SYSTEM} in fake.parameters(GROUPS)


async def test_an_error_is_shown_and_the_view_goes_on(live: LIVE, fake: FakeServer) -> None:
    fake.refuses(HOLD, 400, "workspace_not_sandbox", "only in a sandbox")
    await press(live, "c")
    assert log(live) == "only in a sandbox (workspace_not_sandbox, HTTP 400)"
    assert live.app.is_running


async def test_a_refused_list_is_told_in_the_status(live: LIVE, fake: FakeServer) -> None:
    fake.refuses(LIST, 503, "unavailable", "the doors are starting")
    await press(live, "c")
    assert "the doors are starting" in status(live)
    assert cells(live, 0)[0] == "Front Door"


async def test_a_server_that_is_gone_is_asked_again(
    live: LIVE, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refuse(*_: object, **__: object) -> httpx.Response:
        raise httpx.ConnectError("refused")

    with monkeypatch.context() as gone:
        gone.setattr("httpx.AsyncClient.post", refuse)
        await press(live, "c")
        assert "no answer" in status(live)
        assert "no server at" in log(live)
    await press(live, "c")
    assert status(live).endswith("2 entrances")


async def test_a_slow_server_is_waited_for(live: LIVE, fake: FakeServer) -> None:
    released = Event()

    def slowly(_: dict[str, Any]) -> tuple[int, Any]:
        released.wait(10)
        return 200, answers.doors(answers.door(answers.FRONT, "Slow Door"))

    asked = len(fake.parameters(LIST))
    fake.computes(LIST, slowly)
    view = live.app
    assert isinstance(view, DoorsView)
    await live.press("c")
    for _ in range(3):
        view._poll_unless_polling()
        await live.pause(0.02)
    released.set()
    await settled(live)
    assert cells(live, 0)[0] == "Slow Door"
    assert len(fake.parameters(LIST)) - asked <= 2


async def test_q_leaves(live: LIVE) -> None:
    await live.press("q")
    assert not live.app.is_running or live.app._exit
