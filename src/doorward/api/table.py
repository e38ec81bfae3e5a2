"""Every call that the server answers, collected from the modules that answer them."""

from typing import Final

from doorward.api import client_sessions, connected_accounts, events, workspaces
from doorward.api.acs import access_groups, credentials, entrances, systems, users
from doorward.api.doorward import decisions, doors, simulate
from doorward.wire.route import Route

ROUTES: Final[tuple[Route, ...]] = (
    *workspaces.ROUTES,
    *client_sessions.ROUTES,
    *connected_accounts.ROUTES,
    *systems.ROUTES,
    *entrances.ROUTES,
    *users.ROUTES,
    *access_groups.ROUTES,
    *credentials.ROUTES,
    *events.ROUTES,
    *doors.ROUTES,
    *decisions.ROUTES,
    *simulate.ROUTES,
)
