"""/user_identities: people across access systems."""

from typing import Final

from doorward.api import identity_changes, identity_reads
from doorward.api.identity_requests import (
    AddUser,
    CreateIdentity,
    GenerateInstantKey,
    IdentityId,
    IdentityName,
    ListIdentities,
    ListUnmanaged,
    Merge,
    OnDevice,
    RemoveUser,
    UpdateIdentity,
    UpdateUnmanaged,
)
from doorward.resources.acs_entrance import AcsEntrance
from doorward.resources.acs_system import AcsSystem
from doorward.resources.acs_user import AcsUser
from doorward.resources.not_here import Device, InstantKey
from doorward.resources.user_identity import UnmanagedUserIdentity, UserIdentity
from doorward.wire.route import STAFF, Route

_DUPLICATES: Final = (
    "duplicate_email_address",
    "duplicate_phone_number",
    "duplicate_user_identity_key",
)

_CHANGING: Final = (
    Route(
        path="/user_identities/create",
        verbs=("POST",),
        request=CreateIdentity,
        handler=identity_changes.create,
        summary="Create a user identity",
        response_key="user_identity",
        resource=UserIdentity,
        is_creating=True,
        refuses=_DUPLICATES,
    ),
    Route(
        path="/user_identities/update",
        verbs=("PATCH", "POST"),
        request=UpdateIdentity,
        handler=identity_changes.update,
        summary="Change what a user identity is known by",
        refuses=_DUPLICATES,
    ),
    Route(
        path="/user_identities/delete",
        verbs=("DELETE", "POST"),
        request=IdentityId,
        handler=identity_changes.delete,
        summary="Delete a user identity with its users, their credentials and its client sessions",
    ),
    Route(
        path="/user_identities/merge",
        verbs=("POST",),
        request=Merge,
        handler=identity_changes.merge,
        summary="Merge user identities of one person",
    ),
    Route(
        path="/user_identities/add_acs_user",
        verbs=("PUT", "POST"),
        request=AddUser,
        handler=identity_changes.add_acs_user,
        summary="Make a person in an access system a user identity's",
        refuses=_DUPLICATES,
    ),
    Route(
        path="/user_identities/remove_acs_user",
        verbs=("DELETE", "POST"),
        request=RemoveUser,
        handler=identity_changes.remove_acs_user,
        summary="Take a person in an access system from a user identity",
    ),
    Route(
        path="/user_identities/unmanaged/update",
        verbs=("PATCH", "POST"),
        request=UpdateUnmanaged,
        handler=identity_changes.manage,
        summary="Manage an unmanaged user identity",
        callers=(*STAFF, "client_session"),
        refuses=("duplicate_user_identity_key",),
    ),
)

_READING: Final = (
    Route(
        path="/user_identities/get",
        verbs=("GET", "POST"),
        request=IdentityName,
        handler=identity_reads.get,
        summary="Get a user identity",
        response_key="user_identity",
        resource=UserIdentity,
        callers=(*STAFF, "client_session_with_customer", "client_session_with_customer_ro"),
    ),
    Route(
        path="/user_identities/list",
        verbs=("GET", "POST"),
        request=ListIdentities,
        handler=identity_reads.list_identities,
        summary="List user identities",
        response_key="user_identities",
        resource=UserIdentity,
        is_list=True,
        page_limit=500,
        callers=(*STAFF, "client_session"),
    ),
    Route(
        path="/user_identities/list_acs_systems",
        verbs=("GET", "POST"),
        request=IdentityId,
        handler=identity_reads.list_acs_systems,
        summary="List the access systems that a user identity has a user in",
        response_key="acs_systems",
        resource=AcsSystem,
        is_list=True,
        callers=(*STAFF, "client_session"),
    ),
    Route(
        path="/user_identities/list_acs_users",
        verbs=("GET", "POST"),
        request=IdentityId,
        handler=identity_reads.list_acs_users,
        summary="List the users of a user identity in access systems",
        response_key="acs_users",
        resource=AcsUser,
        is_list=True,
    ),
    Route(
        path="/user_identities/list_accessible_entrances",
        verbs=("GET", "POST"),
        request=IdentityId,
        handler=identity_reads.list_accessible_entrances,
        summary="List the entrances that a user identity can open now",
        response_key="acs_entrances",
        resource=AcsEntrance,
        is_list=True,
        callers=(*STAFF, "client_session"),
    ),
    Route(
        path="/user_identities/unmanaged/get",
        verbs=("GET", "POST"),
        request=IdentityId,
        handler=identity_reads.get_unmanaged,
        summary="Get an unmanaged user identity",
        response_key="user_identity",
        resource=UnmanagedUserIdentity,
    ),
    Route(
        path="/user_identities/unmanaged/list",
        verbs=("GET", "POST"),
        request=ListUnmanaged,
        handler=identity_reads.list_unmanaged,
        summary="List unmanaged user identities",
        response_key="user_identities",
        resource=UnmanagedUserIdentity,
        is_list=True,
        page_limit=500,
        callers=(*STAFF, "client_session"),
    ),
)

# There are no devices here, and no mobile keys.
_REFUSED: Final = (
    Route(
        path="/user_identities/list_accessible_devices",
        verbs=("GET", "POST"),
        request=IdentityId,
        handler=identity_reads.list_accessible_devices,
        summary="List the devices that a user identity may use: none",
        response_key="devices",
        resource=Device,
        is_list=True,
    ),
    Route(
        path="/user_identities/grant_access_to_device",
        verbs=("PUT", "POST"),
        request=OnDevice,
        handler=identity_reads.refuse_device,
        summary="Give a user identity a device; there are none",
    ),
    Route(
        path="/user_identities/revoke_access_to_device",
        verbs=("DELETE", "POST"),
        request=OnDevice,
        handler=identity_reads.refuse_device,
        summary="Take a device from a user identity; there are none",
    ),
    Route(
        path="/user_identities/generate_instant_key",
        verbs=("POST",),
        request=GenerateInstantKey,
        handler=identity_reads.refuse_instant_key,
        summary="Make a link to a mobile key; no access system has any",
        response_key="instant_key",
        resource=InstantKey,
    ),
)

ROUTES: Final = (*_CHANGING, *_READING, *_REFUSED)
