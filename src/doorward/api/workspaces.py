"""/workspaces: the tenant that a token is for."""

from doorward.api.requests import NoParameters, found
from doorward.api.services import Services
from doorward.resources.workspace import Workspace
from doorward.store import workspaces
from doorward.wire.route import Call, Route


async def get(call: Call[Services], _request: NoParameters) -> Workspace:
    """The workspace of this call."""
    workspace = await workspaces.get(call.services.database, call.workspace_id)
    return found(workspace, "workspace")


ROUTES = (
    Route(
        path="/workspaces/get",
        verbs=("GET", "POST"),
        request=NoParameters,
        handler=get,
        summary="Get the workspace that this call is about",
        response_key="workspace",
        resource=Workspace,
    ),
)
