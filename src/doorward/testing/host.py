"""The process behind the plugin: one PostgreSQL, and servers forked from a warm interpreter.

It answers requests, one JSON object a line, and ends with its input, so that nothing is left
behind by a test run that is killed. `hosting` is its other half.
"""

import asyncio
import base64
import gc
import json
import os
import shutil
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from doorward.clock import MovableClock
from doorward.errors import StartError, Unavailable
from doorward.settings import Settings
from doorward.site.apply import apply, apply_if_empty
from doorward.site.model import Site
from doorward.site.parse import load_site
from doorward.site.people_import import import_people
from doorward.site.sandbox import load_sandbox
from doorward.store import bulk, copies, tokens
from doorward.store.clock import read_clock
from doorward.store.database import Database
from doorward.store.embedded import EmbeddedPostgres
from doorward.store.installation import claim
from doorward.store.migrate import migrate
from doorward.store.secrets import Keyring
from doorward.testing import forking
from doorward.testing.forking import Run
from doorward.testing.naming import names_of

# Answers wait for the doors' confirmation: on a busy machine, too, the next read finds them ready.
_CONFIRM: Final = 5.0

Reply = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Template:
    """A database with a site in it, and what tests have to know of that."""

    database: str
    facts: Reply


@dataclass(slots=True)
class Host:
    """Everything that one test run has running."""

    folder: Path
    postgres: EmbeddedPostgres
    templates: dict[tuple[str | None, bytes], Template] = field(default_factory=dict)
    runs: dict[str, Run] = field(default_factory=dict)
    secret: bytes = field(default_factory=lambda: os.urandom(32))
    count: int = 0

    def open(self, site: str | None) -> Reply:
        """Makes the database of a new server; nothing answers yet."""
        template = self._template(site)
        name = self._name("server")
        dsn = asyncio.run(copies.create(self.postgres.dsn, name, template.database))
        settings = Settings(
            host="127.0.0.1",
            port=0,
            data=self.folder / name,
            database_url=dsn,
            site=None,
            secret_key=base64.urlsafe_b64encode(self.secret).decode(),
            confirm_timeout=_CONFIRM,
            rate_limit=0,
        )
        self.runs[name] = Run(settings, name, self.folder / f"{name}.log")
        return {"server": name, "log": str(self.runs[name].log), "database_url": dsn} | (
            template.facts
        )

    def start(self, server: str) -> Reply:
        """Starts a server, again on its old port; answers when it does."""
        run = self.runs[server]
        if not forking.is_running(run):
            forking.fork(run)
        return {"endpoint": run.settings.endpoint, "pid": run.pid}

    def apply(self, server: str, site: str | None, *, prune: bool) -> Reply:
        """Applies a site file, else the sandbox's, to a server's database."""
        lines = asyncio.run(self._apply(self.runs[server].settings, _site(site), prune=prune))
        return {"lines": lines}

    async def _apply(self, settings: Settings, site: Site, *, prune: bool) -> list[str]:
        assert settings.database_url is not None
        database, keyring = await Database.open(settings.database_url), Keyring(self.secret)
        try:
            clock = await read_clock(database)
            report = await apply(database, keyring, as_sandbox(site), clock=clock, prune=prune)
        finally:
            await database.close()
        return list(report.lines())

    def import_people(self, server: str, file: str, system: str | None) -> Reply:
        """Makes the people of a CSV file known to one of a server's access systems."""
        settings, path = self.runs[server].settings, Path(file)
        return {"count": asyncio.run(self._import(settings, path.name, path.read_bytes(), system))}

    async def _import(self, settings: Settings, file: str, data: bytes, system: str | None) -> int:
        assert settings.database_url is not None
        database, keyring = await Database.open(settings.database_url), Keyring(self.secret)
        try:
            chosen = await _choose(database, system)
            clock = await read_clock(database)
            return await import_people(database, keyring, chosen, file, data, clock=clock)
        finally:
            await database.close()

    def stop(self, server: str, signal_number: int) -> Reply:
        """Ends a server; its database stays."""
        forking.end(self.runs[server], signal.Signals(signal_number))
        return {}

    def close(self, server: str) -> Reply:
        """Ends a server, and everything that it had with it."""
        run = self.runs.pop(server)
        forking.end(run, signal.SIGKILL)
        asyncio.run(copies.drop(self.postgres.dsn, run.database))
        shutil.rmtree(run.settings.data, ignore_errors=True)
        return {}

    def close_all(self) -> None:
        """Ends every server, and PostgreSQL."""
        for run in self.runs.values():
            forking.end(run, signal.SIGKILL)
        asyncio.run(self.postgres.stop())

    def _name(self, kind: str) -> str:
        self.count += 1
        return f"{kind}_{self.count}"

    def _template(self, path: str | None) -> Template:
        key = (path, Path(path).read_bytes() if path else b"")
        if key not in self.templates:
            site = as_sandbox(_site(path))
            self.templates[key] = asyncio.run(self._make(self._name("site"), site))
        return self.templates[key]

    async def _make(self, name: str, site: Site) -> Template:
        dsn = await copies.create(self.postgres.dsn, name)
        await migrate(dsn)
        database, keyring = await Database.open(dsn), Keyring(self.secret)
        try:
            await claim(database, keyring)
            await apply_if_empty(database, keyring, site, clock=MovableClock())
            facts = {"site": names_of(site)} | await _tokens(database, site)
        finally:
            await database.close()
        return Template(name, facts)


def _site(path: str | None) -> Site:
    return load_site(Path(path)) if path else load_sandbox()


def as_sandbox(site: Site) -> Site:
    """The site, with whatever only a sandbox may: nobody tests with a door that people need."""
    return replace(site, workspace=replace(site.workspace, is_sandbox=True))


async def _choose(database: Database, wanted: str | None) -> bulk.System:
    """The access system of a name or id, without one the only one there is, or the only native."""
    chosen = bulk.choose(await bulk.systems(database), wanted)
    if len(chosen) != 1:
        raise StartError("people are imported into one access system: say which by name or id")
    return chosen[0]


async def _tokens(database: Database, site: Site) -> Reply:
    """New tokens that may do everything, so that a site file needs none."""
    made = {
        "api_key": tokens.mint("api_key", is_sandbox=True),
        "personal_access_token": tokens.mint("personal_access_token"),
    }
    workspace_id = site.workspace.workspace_id
    for kind, secret in made.items():
        await tokens.create(
            database,
            secret,
            kind=kind,  # type: ignore[arg-type]  # the two literals above
            workspace_id=workspace_id if kind == "api_key" else None,
            name="tests",
            scopes=tokens.SCOPES,
        )
    return {"workspace_id": str(workspace_id), **made}


def main(folder: Path) -> None:
    """Answers requests on standard input until it ends."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    host = Host(folder, asyncio.run(EmbeddedPostgres.start(folder / "data")))
    gc.collect()
    gc.freeze()
    try:
        for line in sys.stdin:
            print(json.dumps(_answer(host, json.loads(line))), file=answers, flush=True)
    finally:
        host.close_all()
    # Not after a fault: `hosting` shows the log, which is in there.
    shutil.rmtree(folder, ignore_errors=True)


def _answer(host: Host, request: Reply) -> Reply:
    do: dict[str, Callable[..., Reply]] = {
        "open": host.open,
        "start": host.start,
        "apply": host.apply,
        "import": host.import_people,
        "stop": host.stop,
        "close": host.close,
    }
    try:
        return do[request.pop("do")](**request)
    except (StartError, Unavailable, OSError) as trouble:
        return {"error": str(trouble)}


if __name__ == "__main__":
    main(Path(sys.argv[1]))
