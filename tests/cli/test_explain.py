"""`doorward explain`."""

from typing import Any

import pytest

from tests.cli import answers
from tests.cli.conftest import Run
from tests.cli.fake import FakeServer


def rung(rule: int, name: str, verdict: str, **more: Any) -> dict[str, Any]:
    return {"rule": rule, "name": name, "verdict": verdict, "reason": None, "detail": None} | more


EXPLANATION: dict[str, Any] = {
    "outcome": "deny",
    "reason": "deny_no_access",
    "rule": 11,
    "policy_revision": 12,
    "at": answers.AT,
    "acs_credential_id": None,
    "rungs": [
        rung(1, "unknown entrance", "passed"),
        rung(11, "access", "decides", reason="deny_no_access", detail="no path leads here"),
        rung(16, "allow", "not_reached"),
    ],
    "paths": [],
}
PATH = {
    "source": "access_group",
    "source_id": answers.STAFF,
    "name": "Staff",
    "starts_at": None,
    "ends_at": None,
}
CALL = "/doorward/decisions/explain"


@pytest.fixture(autouse=True)
def people(fake: FakeServer) -> None:
    fake.answers(
        "/acs/users/list",
        {"acs_users": [answers.user(), answers.user(answers.JOHN, "Jane Doering")], "ok": True},
    )
    fake.answers("/acs/users/get", {"acs_user": answers.user(), "ok": True})
    entrance = {"acs_entrance_id": answers.FRONT, "acs_system_id": answers.SYSTEM}
    fake.answers("/acs/entrances/get", {"acs_entrance": entrance, "ok": True})
    fake.answers(CALL, {"explanation": EXPLANATION, "ok": True})


def test_prints_the_ladder(run: Run) -> None:
    ended = run("explain", "--user", answers.JANE, "--entrance", answers.FRONT)
    assert ended.out.splitlines() == [
        f"Jane Doe at {answers.FRONT}: deny_no_access, rule 11, policy revision 12, " + answers.AT,
        "",
        "RULE  NAME              VERDICT      REASON          DETAIL",
        "1     unknown entrance  passed",
        "11    access            decides      deny_no_access  no path leads here",
        "16    allow             not_reached",
        "",
        "No path leads here.",
    ]
    assert (ended.code, ended.err) == (0, "")


@pytest.mark.parametrize(
    ("starts_at", "ends_at", "shown"),
    [
        (None, None, "always"),
        (answers.AT, None, f"from {answers.AT}"),
        (None, answers.AT, f"until {answers.AT}"),
    ],
)
def test_prints_the_paths(
    run: Run, fake: FakeServer, starts_at: str | None, ends_at: str | None, shown: str
) -> None:
    path = PATH | {"starts_at": starts_at, "ends_at": ends_at}
    fake.answers(CALL, {"explanation": EXPLANATION | {"paths": [path]}, "ok": True})
    ended = run("explain", "--user", answers.JANE, "--entrance", answers.FRONT)
    assert ended.out.splitlines()[-2:] == [
        "PATH          NAME   ID                                    OPEN",
        f"access_group  Staff  {answers.STAFF}  {shown}",
    ]


@pytest.mark.parametrize("text", ["jane doe", "JANE@example.com"])
def test_finds_a_person_by_what_is_exactly_hers(run: Run, fake: FakeServer, text: str) -> None:
    fake.answers(
        "/acs/users/list",
        {"acs_users": [answers.user(), {**answers.user(answers.JOHN), **_other()}], "ok": True},
    )
    assert run("explain", "--user", text, "--entrance", answers.FRONT).code == 0
    assert fake.parameters("/acs/users/list") == [{"search": text}]
    assert fake.parameters(CALL)[0]["acs_user_id"] == answers.JANE


def _other() -> dict[str, str]:
    return {"display_name": "Jane Doering", "email_address": "jane@example.company"}


def test_means_the_one_of_the_entrances_system(run: Run, fake: FakeServer) -> None:
    elsewhere = {**answers.user(answers.JOHN), "acs_system_id": answers.CONTROLLER}
    fake.answers("/acs/users/list", {"acs_users": [elsewhere, answers.user()], "ok": True})
    assert run("explain", "--user", "Jane Doe", "--entrance", answers.FRONT).code == 0
    assert fake.parameters(CALL)[0]["acs_user_id"] == answers.JANE


def test_wants_an_id_where_several_are_meant(run: Run) -> None:
    ended = run("explain", "--user", "Jane", "--entrance", answers.FRONT)
    assert ended.code == 1
    assert f"Jane Doe {answers.JANE}, Jane Doering {answers.JOHN}" in ended.err


def test_takes_who_alone_is_found(run: Run, fake: FakeServer) -> None:
    fake.answers("/acs/users/list", {"acs_users": [answers.user()], "ok": True})
    assert run("explain", "--user", "Ja", "--entrance", answers.FRONT).code == 0


def test_says_when_nobody_is_found(run: Run, fake: FakeServer) -> None:
    fake.answers("/acs/users/list", {"acs_users": [], "ok": True})
    ended = run("explain", "--user", "Zoe", "--entrance", answers.FRONT)
    assert ended == (1, "", "doorward: there is nobody called 'Zoe'\n")


@pytest.mark.parametrize(
    ("text", "sent"),
    [
        ("2026-01-31T08:00:00Z", "2026-01-31T08:00:00.000Z"),
        ("2026-01-31 08:00+01:00", "2026-01-31T07:00:00.000Z"),
    ],
)
def test_asks_about_an_instant(run: Run, fake: FakeServer, text: str, sent: str) -> None:
    words = ("explain", "--user", answers.JANE, "--entrance", answers.FRONT, "--at", text)
    assert run(*words).code == 0
    assert fake.parameters(CALL)[0]["at"] == sent


def test_refuses_what_is_no_instant(run: Run) -> None:
    words = ("explain", "--user", answers.JANE, "--entrance", answers.FRONT, "--at", "soon")
    ended = run(*words)
    assert ended.code == 2
    assert "--at takes a time such as 2026-01-31T08:00, not 'soon'" in ended.err
