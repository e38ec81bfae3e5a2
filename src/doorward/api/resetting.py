"""Setting a sandbox workspace back to what its site file declares."""

import contextlib

from doorward.api.changing import asked, carry_out
from doorward.api.requests import NoParameters
from doorward.api.sandboxed import must_be_sandbox
from doorward.api.services import Services
from doorward.errors import ApiError, StartError, Unavailable
from doorward.resources.action_attempt import ActionAttempt, ActionError
from doorward.store import resetting
from doorward.store.database import Connection
from doorward.store.journal import Change
from doorward.wire.route import Call


async def reset_sandbox(call: Call[Services], _request: NoParameters) -> ActionAttempt:
    """Resets the workspace in one transaction; the attempt that is answered has ended.

    It has failed, and nothing has changed, where no site file is kept, or where it does not go with
    the database. Controllers that were cut off on demand are let back.
    """
    await must_be_sandbox(call)
    services, workspace_id = call.services, call.workspace_id

    async def make(connection: Connection, change: Change) -> ActionAttempt:
        await services.sites.restore(connection, change)
        return await resetting.keep_attempt(connection, change)

    held = await resetting.held_controllers(services.database, workspace_id)
    try:
        attempt = await carry_out(call, make)
    except StartError as trouble:
        return await _failed(call, ActionError(type="site_file_unusable", message=str(trouble)))
    services.database.tokens_changed()
    # It is committed: a controller that the file has no more, or that cannot be told now, is no
    # failure of that.
    for controller_id in held:
        with contextlib.suppress(ApiError, Unavailable):
            await services.doors.hold(workspace_id, controller_id, is_held=False)
    return attempt


async def _failed(call: Call[Services], error: ActionError) -> ActionAttempt:
    async with call.services.database.transaction() as connection:
        return await resetting.keep_attempt(connection, asked(call), error)
