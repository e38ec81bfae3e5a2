"""What is for sandbox workspaces alone."""

from doorward.api.requests import found
from doorward.api.services import Services
from doorward.errors import ApiError
from doorward.store import workspaces
from doorward.wire.route import Call


async def must_be_sandbox(call: Call[Services]) -> None:
    """Raises ApiError 400 in any other workspace."""
    workspace = await workspaces.get(call.services.database, call.workspace_id)
    if not found(workspace, "workspace").is_sandbox:
        raise ApiError(400, "workspace_not_sandbox", "This is no sandbox workspace")
