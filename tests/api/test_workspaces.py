"""/workspaces: the tenant that a token is for."""

from tests.api.conftest import Caller
from tests.api.town import Town


async def test_workspace(api: Caller, town: Town) -> None:
    for verb in ("GET", "POST"):
        assert await api("/workspaces/get", verb) == {
            "workspace": {
                "workspace_id": str(town.workspace_id),
                "name": "Town",
                "company_name": "Town Ltd",
                "connect_partner_name": None,
                "connect_webview_customization": {},
                "is_publishable_key_auth_enabled": True,
                "is_sandbox": True,
                "is_suspended": False,
                "organization_id": None,
                "publishable_key": town.publishable_key,
            },
            "ok": True,
        }


async def test_a_key_lists_its_own_workspace(api: Caller, town: Town) -> None:
    for verb in ("GET", "POST"):
        listed = await api("/workspaces/list", verb)
        assert [each["workspace_id"] for each in listed["workspaces"]] == [str(town.workspace_id)]
