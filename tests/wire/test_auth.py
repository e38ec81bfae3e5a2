"""Who may call: the table of seam-api section 1.3, row by row."""

from uuid import UUID

import pytest

from doorward.wire.app import Api
from tests.wire.toy import (
    BOUND_PAT,
    KEY,
    NO_WORKSPACE,
    ODD_KEY,
    ODD_PAT,
    OTHER_KEY,
    OTHER_WORKSPACE,
    PAT,
    WORKSPACE,
    Answer,
    call,
)

UNKNOWN_KEY = "seam_testNoBody_aaaaaaaaaaaaaaaaaaaaaaaa"
UNKNOWN_PAT = "seam_at1NoBody_aaaaaaaaaaaaaaaaaaaaaaaa"
HERE = str(WORKSPACE)
THERE = str(OTHER_WORKSPACE)


async def ask(
    api: Api, authorization: str, workspace: str | None = None, path: str = "/toy/echo"
) -> Answer:
    headers = {"authorization": authorization}
    if workspace is not None:
        headers["seam-workspace"] = workspace
    return await call(api, "POST", path, headers=headers)


@pytest.mark.parametrize(
    ("authorization", "workspace", "status", "kind", "message"),
    [
        ("", None, 401, "unauthorized", "No token provided"),
        (KEY, None, 401, "unauthorized", "No token provided"),
        ("Bearer", None, 401, "unauthorized", "No token provided"),
        ("Bearer  ", None, 401, "unauthorized", "No token provided"),
        (f"Basic {KEY}", None, 401, "unauthorized", "No token provided"),
        (f"Bearer {UNKNOWN_KEY}", None, 401, "unauthorized", "API Key not found"),
        (f"Bearer {ODD_KEY}", None, 401, "unauthorized", "API Key not found"),
        (f"Bearer {ODD_PAT}", HERE, 401, "unauthorized", "Access token not found"),
        ("Bearer hunter2", None, 401, "unauthorized", "API Key not found"),
        ("Bearer s\xe9am", None, 401, "unauthorized", "API Key not found"),
        (f"Bearer {KEY.upper()}", None, 401, "unauthorized", "API Key not found"),
        ("Bearer seam_pk1_abc", None, 401, "unauthorized", "API Key not found"),
        (
            "Bearer seam_cst1_abc",
            None,
            401,
            "client_session_token_used_for_api_key",
            "A client session token was used instead of an API key",
        ),
        (
            "Bearer eyJhbGciOiJIUzI1NiJ9.e30.x",
            HERE,
            401,
            "unauthorized",
            "Console session not found",
        ),
        (
            f"Bearer {PAT}",
            None,
            400,
            "missing_workspace_id",
            "A personal access token must provide the Seam-Workspace header",
        ),
        (f"Bearer {UNKNOWN_PAT}", HERE, 401, "unauthorized", "Access token not found"),
        (f"Bearer {PAT}", str(NO_WORKSPACE), 401, "unauthorized", "Access token not found"),
        (f"Bearer {PAT}", "sandbox", 401, "unauthorized", "Access token not found"),
        (f"Bearer {PAT}", "", 401, "unauthorized", "Access token not found"),
        (f"Bearer {BOUND_PAT}", THERE, 401, "unauthorized", "Access token not found"),
        (
            f"Bearer {KEY}",
            THERE,
            400,
            "invalid_input",
            "The API key is of another workspace than the seam-workspace header names",
        ),
    ],
)
async def test_refused(
    api: Api, authorization: str, workspace: str | None, status: int, kind: str, message: str
) -> None:
    answer = await ask(api, authorization, workspace)
    assert (answer.status, answer.error) == (status, {"type": kind, "message": message})


async def test_without_a_header(api: Api) -> None:
    headers = {"seam-publishable-key": "seam_pk1_abc"}
    answer = await call(api, "POST", "/toy/echo", headers=headers, token=None)
    assert answer.status == 401
    assert answer.error == {"type": "unauthorized", "message": "No Authorization header"}


@pytest.mark.parametrize(
    ("authorization", "workspace", "token_id", "workspace_id"),
    [
        (f"Bearer {KEY}", None, 1, WORKSPACE),
        (f"bearer {KEY}", None, 1, WORKSPACE),
        (f"BEARER   {KEY} ", None, 1, WORKSPACE),
        (f"Bearer {KEY}", HERE.upper(), 1, WORKSPACE),
        (f"Bearer {OTHER_KEY}", None, 3, OTHER_WORKSPACE),
        (f"Bearer {PAT}", HERE, 4, WORKSPACE),
        (f"Bearer {PAT}", THERE.upper(), 4, OTHER_WORKSPACE),
        (f"Bearer {BOUND_PAT}", HERE, 5, WORKSPACE),
    ],
)
async def test_accepted(
    api: Api, authorization: str, workspace: str | None, token_id: int, workspace_id: UUID
) -> None:
    answer = await ask(api, authorization, workspace)
    assert answer.status == 200
    assert answer.json["echo"]["token_id"] == str(UUID(int=token_id))
    assert answer.json["echo"]["workspace_id"] == str(workspace_id)


async def test_a_route_says_who_may_call(api: Api) -> None:
    by_token = await ask(api, f"Bearer {PAT}", HERE, "/toy/key")
    assert by_token.status == 401
    assert by_token.error["type"] == "access_token_used_for_api_key"
    assert (await ask(api, f"Bearer {KEY}", path="/toy/key")).status == 200

    by_key = await ask(api, f"Bearer {KEY}", path="/toy/personal")
    assert (by_key.status, by_key.error["type"]) == (401, "unauthorized")
    assert (await ask(api, f"Bearer {PAT}", HERE, "/toy/personal")).status == 200


async def test_who_asks_comes_before_how_and_what(api: Api) -> None:
    stranger = {"authorization": f"Bearer {UNKNOWN_KEY}"}
    path = "/acs/users/get"
    assert (await call(api, "DELETE", path, body=b"{", headers=stranger)).status == 401
    assert (await call(api, "DELETE", path, body=b"{")).status == 405
    assert (await call(api, "POST", path, body=b"{")).status == 400
