"""/connected_accounts/simulate: what can go wrong with accounts, in sandbox workspaces alone."""

from doorward.api.account_changes import AccountId, disconnect
from doorward.wire.route import STAFF, Route

ROUTES = (
    Route(
        path="/connected_accounts/simulate/disconnect",
        verbs=("POST",),
        request=AccountId,
        handler=disconnect,
        summary="Make an account seem out of reach until it is synced",
        callers=(*STAFF, "client_session_with_customer"),
        is_sandbox_only=True,
    ),
)
