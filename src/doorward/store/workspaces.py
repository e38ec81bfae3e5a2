"""Workspaces, as the API shows them."""

from uuid import UUID

import asyncpg

from doorward.resources.workspace import WebviewCustomization, Workspace
from doorward.store.select import Source
from doorward.store.tokens import Known


async def get(source: Source, workspace_id: UUID) -> Workspace | None:
    """A workspace, None for an unknown id."""
    row = await source.fetchrow("select * from workspace where workspace_id = $1", workspace_id)
    return _workspace(row) if row else None


async def list_workspaces(source: Source) -> list[Workspace]:
    """Every workspace, the oldest first."""
    rows = await source.fetch("select * from workspace order by created_at, workspace_id")
    return [_workspace(row) for row in rows]


async def list_of_token(source: Source, token_id: UUID) -> list[Workspace]:
    """The workspaces that an API key or a person's token may act in, the oldest first."""
    rows = await source.fetch(
        "select w.* from workspace w join token t"
        " on t.token_id = $1 and coalesce(t.workspace_id, w.workspace_id) = w.workspace_id"
        " order by w.created_at, w.workspace_id",
        token_id,
    )
    return [_workspace(row) for row in rows]


async def find_by_publishable_key(source: Source, key: str) -> Known | None:
    """The workspace of a publishable key, as a token; a revoked one where it takes none."""
    row = await source.fetchrow(
        "select workspace_id, is_publishable_key_auth_enabled from workspace"
        " where publishable_key = $1",
        key,
    )
    return Known(row[0], "publishable_key", row[0], is_revoked=not row[1]) if row else None


def _workspace(row: asyncpg.Record) -> Workspace:
    return Workspace(
        workspace_id=row["workspace_id"],
        name=row["name"],
        company_name=row["company_name"],
        connect_partner_name=None,
        connect_webview_customization=WebviewCustomization(),
        is_publishable_key_auth_enabled=row["is_publishable_key_auth_enabled"],
        is_sandbox=row["is_sandbox"],
        is_suspended=False,
        organization_id=None,
        publishable_key=row["publishable_key"],
    )
