"""Workspaces, as the API shows them."""

from uuid import UUID

import asyncpg

from doorward.resources.workspace import WebviewCustomization, Workspace
from doorward.store.select import Source


async def get(source: Source, workspace_id: UUID) -> Workspace | None:
    """A workspace, None for an unknown id."""
    row = await source.fetchrow("select * from workspace where workspace_id = $1", workspace_id)
    return _workspace(row) if row else None


async def list_workspaces(source: Source) -> list[Workspace]:
    """Every workspace, the oldest first."""
    rows = await source.fetch("select * from workspace order by created_at, workspace_id")
    return [_workspace(row) for row in rows]


def _workspace(row: asyncpg.Record) -> Workspace:
    return Workspace(
        workspace_id=row["workspace_id"],
        name=row["name"],
        company_name=row["company_name"],
        connect_partner_name=None,
        connect_webview_customization=WebviewCustomization(),
        is_publishable_key_auth_enabled=False,
        is_sandbox=row["is_sandbox"],
        is_suspended=False,
        organization_id=None,
        publishable_key=row["publishable_key"],
    )
