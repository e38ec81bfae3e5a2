"""`doorward token`: every kind of token, in the database itself."""

import re
from collections.abc import Collection, Mapping
from datetime import UTC, datetime, timedelta
from typing import Annotated, Final, Literal, NamedTuple
from uuid import UUID, uuid4

from cyclopts import App, Parameter

from doorward.cli.output import say, table
from doorward.cli.storage import Data, DatabaseUrl, open_store
from doorward.errors import StartError, UsageError
from doorward.site.section import CONTROL
from doorward.store import client_sessions, console, tokens, workspaces
from doorward.store.client_sessions import Wanted
from doorward.store.database import Database
from doorward.store.personal import LONGEST_TEXT
from doorward.store.secrets import Keyring
from doorward.store.tokens import DEFAULT_SCOPES, Token, TokenKind

app = App(
    name="token",
    help_epilogue="""\
A token is shown once, when it is created. A running server knows a new one at
once, and refuses a revoked one within a second.

A publishable key is not made: each workspace has its own, for web pages, which
  doorward api workspaces get
shows. Whether it is taken says the site file of the workspace, by
is_publishable_key_auth_enabled.

Example:  doorward token create --name backend
          doorward token create --name backend --scope doors --expires-in 90d
          doorward token create --name laptop --kind personal-access-token
          doorward token create --name today --kind console-session
          doorward token create --kind client-session --customer-key acme
          doorward token list
          doorward token revoke 5b1f1a52-0c7c-4d33-9a8e-2f6f0f3a7c11""",
)

Kind = Literal["api-key", "personal-access-token", "console-session", "client-session"]
Scope = Literal["doors", "metrics"]

_KINDS: Final[Mapping[str, TokenKind]] = {
    "api-key": "api_key",
    "personal-access-token": "personal_access_token",
    "console-session": "console_session",
}
_HEADER: Final = (
    *("TOKEN ID", "KIND", "NAME", "BEGINS WITH", "WORKSPACE", "SCOPES", "CREATED", "EXPIRES"),
    "STATE",
)
_CONSOLE_LIFE: Final = timedelta(hours=12)
_SPAN: Final = re.compile(r"(-?[0-9]{1,99})([smhd])")
# So that its end is a time that both Python and PostgreSQL know.
_LONGEST: Final = timedelta(days=999_999)
_UNITS: Final = {
    "s": timedelta(seconds=1),
    "m": timedelta(minutes=1),
    "h": timedelta(hours=1),
    "d": timedelta(days=1),
}


class _Asked(NamedTuple):
    """What a new token is to be."""

    kind: Kind
    name: str | None
    scopes: Collection[str]
    life: timedelta | None
    customer_key: str | None
    is_read_only: bool


@app.command
async def create(
    *,
    name: Annotated[
        str | None, Parameter(help="What it is for; a client session needs none.")
    ] = None,
    kind: Annotated[
        Kind,
        Parameter(
            help="A key opens one workspace; a personal access token and a console session every"
            " one; a client session what belongs to one customer."
        ),
    ] = "api-key",
    workspace: Annotated[
        str | None,
        Parameter(help="The id or name of its only workspace; for a key, else the only one there."),
    ] = None,
    scope: Annotated[
        list[Scope] | None,
        Parameter(
            help="What it may besides: doors for /doorward/*, which only a key lacks otherwise,"
            " metrics for /metrics.",
            negative=(),
        ),
    ] = None,
    expires_in: Annotated[
        str | None,
        Parameter(
            help="When it ends, such as 90d, 12h, 30m, 45s; otherwise never, a console session"
            " after 12h, a client session after 365d.",
            allow_leading_hyphen=True,
        ),
    ] = None,
    customer_key: Annotated[
        str | None, Parameter(help="Whose accounts a client session sees.")
    ] = None,
    read_only: Annotated[
        bool, Parameter(help="The client session may change nothing.", negative=())
    ] = False,
    data: Data = None,
    database_url: DatabaseUrl = None,
) -> None:
    """Makes a token, and shows it this once."""
    asked = _Asked(kind, name, scope or (), _span(expires_in), customer_key, read_only)
    _check(asked)
    async with open_store(data, database_url) as (database, keyring):
        there = {one.workspace_id: one for one in await workspaces.list_workspaces(database)}
        bound = _bound({known: one.name for known, one in there.items()}, workspace, kind)
        is_sandbox = bound is not None and there[bound].is_sandbox
        made = await _make(database, keyring, asked, bound, is_sandbox=is_sandbox)
    say(made)


@app.command(name="list")
async def list_tokens(*, data: Data = None, database_url: DatabaseUrl = None) -> None:
    """Lists every token without its secret; those that anybody can read are marked published.

    Client sessions are many, and listed by `doorward api client-sessions list`.
    """
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
        raise UsageError("name at least one token id; doorward token list shows them")
    async with open_store(data, database_url) as (database, _):
        unknown = [one for one in token_id if not await tokens.revoke(database, one)]
    if unknown:
        raise StartError(f"there is no token {' '.join(map(str, unknown))}")
    say(f"revoked {' '.join(map(str, token_id))}")


def _check(asked: _Asked) -> None:
    is_session = asked.kind == "client-session"
    _check_text("--name", asked.name)
    _check_text("--customer-key", asked.customer_key)
    wrong = {
        "say with --name what it is for": not is_session and asked.name is None,
        "a client session has no --name": is_session and asked.name is not None,
        "a client session has no --scope": is_session and bool(asked.scopes),
        "say with --customer-key whose client session it is": is_session
        and asked.customer_key is None,
        "--customer-key and --read-only are for --kind client-session": not is_session
        and (asked.customer_key is not None or asked.is_read_only),
    }
    for problem, is_so in wrong.items():
        if is_so:
            raise UsageError(problem)


def _check_text(option: str, text: str | None) -> None:
    """Raises UsageError for what a site file may not have as a text either."""
    if text is None:
        return
    wrong = {
        "must not be empty": not text.strip(),
        f"must have at most {LONGEST_TEXT} characters": len(text) > LONGEST_TEXT,
        "must not have control characters": CONTROL.search(text) is not None,
    }
    for problem, is_so in wrong.items():
        if is_so:
            raise UsageError(f"{option} {problem}")


async def _make(
    database: Database,
    keyring: Keyring,
    asked: _Asked,
    workspace_id: UUID | None,
    *,
    is_sandbox: bool,
) -> str:
    expires_at = None if asked.life is None else datetime.now(UTC) + asked.life
    if asked.kind == "client-session":
        assert workspace_id is not None
        wanted = Wanted(
            customer_key=asked.customer_key,
            is_read_only=asked.is_read_only,
            expires_at=expires_at,
        )
        async with database.transaction() as connection:
            session = await client_sessions.create(connection, keyring, workspace_id, wanted)
        return session.token
    kind, token_id = _KINDS[asked.kind], uuid4()
    if kind == "console_session":
        # A signed text has whole seconds.
        ends = expires_at or datetime.now(UTC) + _CONSOLE_LIFE
        expires_at = ends.replace(microsecond=0)
        secret = console.sign(keyring.derive("console session"), token_id, expires_at)
    else:
        secret = tokens.mint(kind, is_sandbox=is_sandbox)
    await tokens.create(
        database,
        secret,
        kind=kind,
        workspace_id=workspace_id,
        name=asked.name or "",
        scopes={*DEFAULT_SCOPES[kind], *asked.scopes},
        expires_at=expires_at,
        token_id=token_id,
    )
    return secret


def _span(text: str | None) -> timedelta | None:
    if text is None:
        return None
    matched = _SPAN.fullmatch(text)
    if matched is None:
        raise UsageError(
            f"--expires-in {text!r} is no span of time; give one such as 90d, 12h, 30m or 45s"
        )
    if int(matched[1]) <= 0:
        raise UsageError(f"--expires-in {text} must be above 0")
    longest = _LONGEST // _UNITS[matched[2]]
    if int(matched[1]) > longest:
        raise UsageError(
            f"--expires-in {text} is too long: give at most {longest}{matched[2]}, or leave it out"
            " for a token that never ends"
        )
    return int(matched[1]) * _UNITS[matched[2]]


def _bound(names: Mapping[UUID, str], wanted: str | None, kind: Kind) -> UUID | None:
    """The workspace that a new token opens, None for every one; `names` are those there are."""
    if wanted is None and kind in {"personal-access-token", "console-session"}:
        return None
    text = wanted and wanted.lower()
    by_id = [workspace_id for workspace_id in names if text in {None, str(workspace_id)}]
    chosen = by_id or [workspace_id for workspace_id, name in names.items() if name == wanted]
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
        " ".join(token.scopes) or "none",
        f"{token.created_at:%Y-%m-%d %H:%M}",
        f"{token.expires_at:%Y-%m-%d %H:%M}" if token.expires_at else "never",
        _state(token),
    )


def _state(token: Token) -> str:
    if token.revoked_at:
        return f"revoked {token.revoked_at:%Y-%m-%d %H:%M}"
    if token.expires_at and token.expires_at <= datetime.now(UTC):
        return "expired"
    return "published" if token.is_published else "active"
