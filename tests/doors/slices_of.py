"""A controller's slice as its file has it, and as the tables say it must be."""

import sqlite3
from pathlib import Path
from uuid import UUID

import msgspec

from doorward.doors.disk import Header
from doorward.policy.facts import Kind, decode_state
from doorward.store.controllers import ControllerKey
from doorward.store.database import Database

Facts = dict[tuple[str, UUID, UUID], tuple[int, msgspec.Struct, bytes | None]]


def on_disk(folder: Path, key: ControllerKey) -> Facts:
    """The facts of the file of a controller that has been stopped."""
    with sqlite3.connect(folder / "controllers" / f"{key.controller_id}.db") as file:
        rows = file.execute("select * from fact").fetchall()
    file.close()
    return {
        (kind, UUID(bytes=a), UUID(bytes=b)): (revision, decode_state(Kind(kind), state), lookup)
        for kind, a, b, revision, state, lookup in rows
    }


def header_on_disk(folder: Path, key: ControllerKey) -> Header:
    """The header of the file of a controller that has been stopped."""
    with sqlite3.connect(folder / "controllers" / f"{key.controller_id}.db") as file:
        body = file.execute("select body from header").fetchone()[0]
    file.close()
    return msgspec.json.decode(body, type=Header)


async def in_tables(database: Database, key: ControllerKey) -> Facts:
    """The facts that hold now, less those of other controllers' entrances."""
    rows = await database.fetch(
        "select f.kind, f.key_a, f.key_b, f.from_revision, f.state::text, k.lookup"
        " from policy_fact f left join acs_credential k on k.acs_credential_id = f.key_a"
        " where f.workspace_id = $1 and f.acs_system_id = $2 and f.to_revision is null",
        key.workspace_id,
        key.acs_system_id,
    )
    own = {r["key_a"] for r in rows if r["kind"] == "entrance" and r["key_b"] == key.controller_id}
    shared = {"user", "group", "membership", "credential"}
    return {
        (r["kind"], r["key_a"], r["key_b"]): (
            r["from_revision"],
            decode_state(Kind(r["kind"]), r["state"].encode()),
            r["lookup"],
        )
        for r in rows
        if r["kind"] in shared or r["key_b"] in own or r["key_a"] in own
    }
