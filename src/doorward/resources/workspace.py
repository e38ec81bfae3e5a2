"""A workspace: a tenant and everything in it."""

from uuid import UUID

from msgspec import UNSET, UnsetType

from doorward.resources.values import Resource


class WebviewCustomization(Resource, frozen=True, kw_only=True):
    """How Connect Webviews of the workspace look."""

    inviter_logo_url: str | UnsetType = UNSET
    logo_shape: str | UnsetType = UNSET
    primary_button_color: str | UnsetType = UNSET
    primary_button_text_color: str | UnsetType = UNSET
    success_message: str | UnsetType = UNSET


class Workspace(Resource, frozen=True, kw_only=True):
    """A tenant, as /workspaces shows it."""

    workspace_id: UUID
    name: str
    company_name: str
    connect_partner_name: str | None
    connect_webview_customization: WebviewCustomization
    is_publishable_key_auth_enabled: bool
    is_sandbox: bool
    is_suspended: bool
    organization_id: UUID | None
    publishable_key: str | UnsetType = UNSET
