"""`doorward token`: API keys and personal access tokens, in the database itself."""

from collections.abc import Mapping
from typing import Annotated, Final, Literal
from uuid import UUID

from cyclopts import App, Parameter

from doorward.cli.output import say, table
from doorward.cli.storage import Data, DatabaseUrl, open_store
from doorward.errors import StartError
from doorward.store import tokens, workspaces
from doorward.store.tokens import Token, TokenKind

app = App(
    name="token",
    help_epilogue="""\
A token is shown once, when it is created. A running server knows a new one at
once, and refuses a revoked one within a second.

Example:  doorward token create --name backend
          doorward token create --name laptop --kind personal-access-token
          doorward token list
          doorward token revoke 5b1f1a52-0c7c-4d33-9a8e-2f6f0f3a7c11""",
)

_KINDS: Final[dict[str, TokenKind]] = {
    "api-key": "api_key",
    "personal-access-token": "personal_access_token",
}
_HEADER: Final = ("TOKEN ID", "KIND", "NAME", "BEGINS WITH", "WORKSPACE", "CREATED", "STATE")


@app.command
async def create(
    *,
    name: Annotated[str, Parameter(help="What it is for.")],
    kind: Annotated[
        Literal["api-key", "personal-access-token"],
        Parameter(help="A key opens one workspace, a personal access token every one."),
    ] = "api-key",
    workspace: Annotated[
        UUID | None, Parameter(help="The id of its only workspace; for a key, the only one there.")
    ] = None,
    data: Data = None,
    database_url: DatabaseUrl = None,
) -> None:
    """Makes a token, and shows it this once."""
    async with open_store(data, database_url) as (database, _):
        there = {one.workspace_id: one for one in await workspaces.list_workspaces(database)}
        names = {workspace_id: one.name for workspace_id, one in there.items()}
        bound = _bound(names, workspace, _KINDS[kind])
        secret = tokens.mint(_KINDS[kind], is_sandbox=bound in there and there[bound].is_sandbox)
        await tokens.create(database, secret, kind=_KINDS[kind], workspace_id=bound, name=name)
    say(secret)


@app.command(name="list")
async def list_tokens(*, data: Data = None, database_url: DatabaseUrl = None) -> None:
    """Lists every token without its secret; those that anybody can read are marked published."""
    async with open_store(data, database_url) as (database, _):
        found = await tokens.list_tokens(database)
    for line in table(_HEADER, [_row(token) for token in found]):
        say(line)


@app.command
async def revoke(
    *token_id: Annotated[UUID, Parameter(help="The ids, as `token list` shows them.")],
    data: Data = None,
    database_url: DatabaseUrl = None,
) -> None:
    """Ends tokens for good; those revoked already stay so."""
    if not token_id:
        raise StartError("name at least one token id; doorward token list shows them")
    async with open_store(data, database_url) as (database, _):
        unknown = [one for one in token_id if not await tokens.revoke(database, one)]
    if unknown:
        raise StartError(f"there is no token {' '.join(map(str, unknown))}")
    say(f"revoked {' '.join(map(str, token_id))}")


def _bound(names: Mapping[UUID, str], wanted: UUID | None, kind: TokenKind) -> UUID | None:
    """The workspace that a new token opens, None for every one; `names` are those there are."""
    if wanted is None and kind == "personal_access_token":
        return None
    chosen = [workspace_id for workspace_id in names if wanted in {None, workspace_id}]
    if len(chosen) == 1:
        return chosen[0]
    if not names:
        raise StartError("the database has no workspace yet: run doorward serve or apply first")
    known = ", ".join(f"{workspace_id} ({name})" for workspace_id, name in names.items())
    raise StartError(f"choose one with --workspace: {known}")


def _row(token: Token) -> tuple[str, ...]:
    return (
        str(token.token_id),
        token.kind,
        token.name,
        token.hint,
        str(token.workspace_id or "every one"),
        f"{token.created_at:%Y-%m-%d %H:%M}",
        _state(token),
    )


def _state(token: Token) -> str:
    if token.revoked_at:
        return f"revoked {token.revoked_at:%Y-%m-%d %H:%M}"
    return "published" if token.is_published else "active"
