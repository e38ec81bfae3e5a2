"""Parameters that cannot matter here, and why: they are not drawn.

A parameter that begins to matter is taken off the list; nothing else holds it there.
"""

from typing import Final

INERT: Final = {
    "/connected_accounts/delete sync": "the answer comes when all is done, either way",
    "/user_identities/generate_instant_key customization_profile_id": "no instant key is made",
    "/user_identities/generate_instant_key max_use_count": "no instant key is made",
    "/user_identities/grant_access_to_device device_id": "no device is found by any id",
    "/user_identities/revoke_access_to_device device_id": "no device is found by any id",
    "/user_identities/unmanaged/update is_managed": "it has one value alone",
}
