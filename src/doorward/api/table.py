"""Every call that the server answers, collected from the modules that answer them."""

from typing import Final

from doorward.api import (
    action_attempts,
    client_sessions,
    connected_accounts,
    events,
    phones,
    user_identities,
    workspaces,
)
from doorward.api.acs import access_groups, credentials, encoders, entrances, systems, users
from doorward.api.connected_accounts import simulate as simulated_accounts
from doorward.api.doorward import credentials as own_credentials
from doorward.api.doorward import decisions, doors, simulate
from doorward.api.merged import naming
from doorward.api.phones import simulate as simulated_phones
from doorward.wire.route import Route

_ROUTES: Final[tuple[Route, ...]] = (
    *workspaces.ROUTES,
    *client_sessions.ROUTES,
    *connected_accounts.ROUTES,
    *simulated_accounts.ROUTES,
    *systems.ROUTES,
    *entrances.ROUTES,
    *users.ROUTES,
    *access_groups.ROUTES,
    *user_identities.ROUTES,
    *credentials.ROUTES,
    *encoders.ROUTES,
    *phones.ROUTES,
    *simulated_phones.ROUTES,
    *action_attempts.ROUTES,
    *events.ROUTES,
    *own_credentials.ROUTES,
    *doors.ROUTES,
    *decisions.ROUTES,
    *simulate.ROUTES,
)

ROUTES: Final = naming(_ROUTES)
