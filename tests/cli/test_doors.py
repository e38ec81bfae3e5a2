"""`doorward doors --once`, and when there is no terminal to be live on."""

import re
from datetime import datetime
from typing import Any

import pytest

from tests.cli import answers
from tests.cli.conftest import Run
from tests.cli.fake import FakeServer

LIST = "/doorward/doors/list"


def test_prints_every_door_by_name(run: Run, fake: FakeServer) -> None:
    opened = {
        "is_locked": False,
        "light": "green",
        "last_read": answers.last_read("allow", "allow"),
    }
    fake.answers(
        LIST,
        answers.doors(answers.door(answers.LAB, "Lab", **opened), answers.door(answers.FRONT, "A")),
    )
    fake.answers("/acs/users/get", {"acs_user": answers.user(), "ok": True})
    at = datetime.fromisoformat(answers.AT).astimezone()
    assert run("doors", "--once") == (
        0,
        (
            "ENTRANCE  LOCK    LIGHT    LAST READ  ANSWER               WHO       CONTROLLER\n"
            "A         locked  ● off    -          -                    -         "
            "connected, revision 12, Ground floor\n"
            f"Lab       open    ● green  {at:%H:%M:%S}   allow (revision 12)  Jane Doe  "
            "connected, revision 12, Ground floor\n"
        ),
        "",
    )


@pytest.mark.parametrize(
    ("state", "shown"),
    [
        ({"is_held": True}, r"cut off since [\d:]{8}"),
        ({"is_held": True, "last_contact_at": None}, "cut off"),
        ({"is_connected": False}, r"no connection since [\d:]{8}"),
        ({"is_running_here": False, "is_connected": False}, "not run by this server"),
    ],
)
def test_tells_what_is_wrong_with_a_controller(
    run: Run, fake: FakeServer, state: dict[str, Any], shown: str
) -> None:
    held = answers.door(answers.LAB, "Lab", controller=answers.controller(**state))
    fake.answers(LIST, answers.doors(held))
    assert re.search(rf"  {shown}, revision 12, Ground floor$", run("doors", "--once").out.strip())


def test_warnings_stand_beneath_the_table(run: Run, fake: FakeServer) -> None:
    warned = {"warnings": [{"warning_code": "codes_can_be_guessed", "message": "Longer codes!"}]}
    fake.answers(
        LIST, answers.doors(answers.door(answers.LAB, "Lab", **warned), answers.door("2", "A"))
    )
    assert run("doors", "--once").out.splitlines()[3:] == ["Lab: Longer codes!"]


def test_the_live_view_wants_a_terminal(run: Run) -> None:
    ended = run("doors")
    assert ended == (
        1,
        "",
        "doorward: the live view needs a terminal; --once prints a table\n",
    )
