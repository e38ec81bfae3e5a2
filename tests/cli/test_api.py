"""`doorward api`: words to calls, answers, and the help that the route table gives."""

import json

import pytest

from tests.cli.conftest import Run
from tests.cli.fake import FakeServer
from tests.cli.table import ROUTES

ID = "8d7e0b3a-b889-49a7-9164-4b71a0506a33"


@pytest.fixture(autouse=True)
def small_table(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("doorward.cli.api.ROUTES", ROUTES)


@pytest.mark.parametrize(
    "words",
    [
        ("acs", "users", "get", "--acs_user_id", ID),
        ("acs", "users", "get", f"--acs-user-id={ID}"),
        ("/acs/users/get", "--acs-user-id", ID),
    ],
)
def test_makes_the_call_that_the_words_name(
    run: Run, fake: FakeServer, words: tuple[str, ...]
) -> None:
    fake.answers("/acs/users/get", {"acs_user": {"display_name": "Zoë"}, "ok": True})
    ended = run("api", *words)
    assert ended == (
        0,
        '{\n  "acs_user": {\n    "display_name": "Zoë"\n  },\n  "ok": true\n}\n',
        "",
    )
    assert fake.parameters("/acs/users/get") == [{"acs_user_id": ID}]


def test_a_void_call_prints_what_the_documentation_prints(run: Run, fake: FakeServer) -> None:
    fake.answers("/workspaces/get", {})
    assert run("api", "workspaces", "get") == (0, "{}\n", "")
    assert fake.parameters("/workspaces/get") == [{}]


def test_an_error_goes_to_the_standard_error(run: Run, fake: FakeServer) -> None:
    fake.refuses("/acs/users/get", 404, "acs_user_not_found", "acs_user not found")
    ended = run("api", "acs", "users", "get", "--acs-user-id", ID)
    assert (ended.code, ended.out) == (1, "")
    assert json.loads(ended.err)["error"]["type"] == "acs_user_not_found"


def test_lists_every_call(run: Run) -> None:
    assert run("api", "--help").out.splitlines() == [
        "Usage: doorward api … [--parameter value …]",
        "",
        "CALL              WHAT IT DOES",
        "acs systems list  List systems",
        "acs users get     Get a person",
        "acs users list    List people",
        "workspaces get    Get the workspace",
        "",
        "Example:         doorward api acs systems list",
        "Its parameters:  doorward api acs systems list --help",
    ]


@pytest.mark.parametrize("words", [("acs", "users"), ("acs", "users", "--help"), ("acs/users",)])
def test_lists_the_calls_of_a_group(run: Run, words: tuple[str, ...]) -> None:
    ended = run("api", *words)
    assert ended.code == 0
    assert ended.out.splitlines()[0] == "Usage: doorward api acs users … [--parameter value …]"
    assert "acs users get " in ended.out
    assert "workspaces" not in ended.out


@pytest.mark.parametrize("flag", ["--help", "-h"])
def test_tells_the_parameters_of_a_call(run: Run, flag: str) -> None:
    assert run("api", "acs", "users", "get", flag).out.splitlines() == [
        "Usage: doorward api acs users get [--parameter value …]",
        "",
        "Get a person",
        "",
        "PARAMETER      TYPE",
        "--acs_user_id  uuid  required",
        "",
        "Example: doorward api acs users get --acs_user_id UUID",
    ]


def test_tells_that_a_call_has_no_parameters(run: Run) -> None:
    assert "It has no parameters." in run("api", "workspaces", "get", "--help").out


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("acs", "user", "get"), "there is no call `acs user get`; did you mean `acs users get`?"),
        (("locks",), "there is no call `locks`; doorward api --help lists every call"),
        (
            ("acs", "users", "--limit", "3"),
            "`acs users` is not a whole call; doorward api acs users --help lists those there are",
        ),
    ],
)
def test_says_what_is_wrong_with_the_words(run: Run, words: tuple[str, ...], message: str) -> None:
    assert run("api", *words) == (2, "", f"doorward: {message}\n")
