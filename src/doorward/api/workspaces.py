"""/workspaces: the tenant that a token is for."""

from doorward.api.requests import NoParameters, found
from doorward.api.resetting import reset_sandbox
from doorward.api.services import Services
from doorward.resources.action_attempt import ActionAttempt
from doorward.resources.workspace import Workspace
from doorward.store import workspaces
from doorward.wire.route import EVERYBODY, STAFF, Call, Route


async def get(call: Call[Services], _request: NoParameters) -> Workspace:
    """The workspace of this call."""
    workspace = await workspaces.get(call.services.database, call.workspace_id)
    return found(workspace, "workspace")


async def list_workspaces(call: Call[Services], request: NoParameters) -> list[Workspace]:
    """Every workspace that the token may act in; an end user's session has its own."""
    if call.caller.kind == "client_session":
        return [await get(call, request)]
    return await workspaces.list_of_token(call.services.database, call.caller.token_id)


ROUTES = (
    Route(
        path="/workspaces/get",
        verbs=("GET", "POST"),
        request=NoParameters,
        handler=get,
        summary="Get the workspace that this call is about",
        response_key="workspace",
        resource=Workspace,
        callers=EVERYBODY,
    ),
    Route(
        path="/workspaces/list",
        verbs=("GET", "POST"),
        request=NoParameters,
        handler=list_workspaces,
        summary="List the workspaces that the token may act in",
        response_key="workspaces",
        resource=Workspace,
        is_list=True,
        callers=(
            *STAFF,
            "client_session",
            "console_session_without_workspace",
            "pat_without_workspace",
        ),
    ),
    Route(
        path="/workspaces/reset_sandbox",
        verbs=("POST",),
        request=NoParameters,
        handler=reset_sandbox,
        summary="Set a sandbox workspace back to what its site file declares",
        response_key="action_attempt",
        resource=ActionAttempt,
        is_sandbox_only=True,
        action_type="RESET_SANDBOX_WORKSPACE",
    ),
)
