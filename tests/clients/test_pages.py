"""The official paginators go through ten thousand people: everybody once, and in order."""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from tests.clients.conftest import obtain
from tests.clients.node_packages import node_program
from tests.clients.places import CHECKOUT
from tests.running import API_KEY, USER, WORKSPACE, RunningServer, running

pytestmark = pytest.mark.clients

PEOPLE = 10_000
ANNEX = str(uuid4())
MIDDLE = datetime(2026, 1, 1, 0, 0, 0, 700_000, UTC)
WALKS: dict[str, dict[str, Any]] = {
    "default": {},
    "largest": {"limit": 1000},
    "odd": {"limit": 333},
    "filtered": {"acs_system_id": ANNEX, "limit": 700},
    "until": {"created_before": MIDDLE.isoformat(), "limit": 999},
}
PYTHON = """
import json, sys
from seam import Seam
seam = Seam()
for parameters in json.load(sys.stdin):
    people = seam.create_paginator(seam.acs.users.list, parameters).flatten()
    print(json.dumps([person.acs_user_id for person in people]))
"""
JAVASCRIPT = """
import { text } from "node:stream/consumers";
import { Seam } from "seam";
const seam = new Seam();
for (const parameters of JSON.parse(await text(process.stdin))) {
  const people = seam.createPaginator(seam.acs.users.list(parameters)).flatten();
  const ids = [];
  for await (const person of people) ids.push(person.acs_user_id);
  console.log(JSON.stringify(ids));
}
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    with running(tmp_path_factory.mktemp("pages") / "data") as server:
        asyncio.run(_settle(server))
        yield server


async def _settle(server: RunningServer) -> None:
    """A second system like the first, and people in both.

    Several were made at each instant, some a microsecond apart.
    """
    connection = await server.connect()
    try:
        await connection.execute(
            "insert into acs_system select (jsonb_populate_record(s, jsonb_build_object("
            "'acs_system_id', $1::text))).* from acs_system s join acs_user u"
            " using (acs_system_id) where u.acs_user_id = $2",
            ANNEX,
            USER,
        )
        await connection.execute(
            "insert into acs_user (workspace_id, acs_user_id, acs_system_id, created_at)"
            " select workspace_id, gen_random_uuid(), case n % 2 when 0 then acs_system_id"
            " else $1::uuid end,"
            " $3::timestamptz + n / 7 * interval '1 millisecond' + n % 2 * interval '1 microsecond'"
            " from generate_series(1, $4::int) n, acs_user where acs_user_id = $2",
            ANNEX,
            USER,
            datetime(2026, 1, 1, tzinfo=UTC),
            PEOPLE,
        )
    finally:
        await connection.close()


async def _expected(server: RunningServer, walk: str) -> list[str]:
    condition = {
        "filtered": "acs_system_id = '" + ANNEX + "'",
        "until": f"created_at < '{MIDDLE.isoformat()}'",
    }.get(walk, "true")
    connection = await server.connect()
    try:
        rows = await connection.fetch(
            f"select acs_user_id::text from acs_user where workspace_id = $1 and {condition}"
            " order by created_at, acs_user_id",
            WORKSPACE,
        )
    finally:
        await connection.close()
    return [row[0] for row in rows]


@pytest.mark.parametrize("client", ["python", "javascript"])
def test_everybody_is_seen_once_and_in_order(server: RunningServer, client: str) -> None:
    walked = dict(zip(WALKS, _walk(server, client), strict=True))
    expected = {walk: asyncio.run(_expected(server, walk)) for walk in WALKS}
    assert len(expected["default"]) >= PEOPLE
    assert PEOPLE // 3 < len(expected["filtered"]) < len(expected["default"])
    assert PEOPLE // 3 < len(expected["until"]) < len(expected["default"])
    for walk in WALKS:
        assert walked[walk] == expected[walk], walk


def _walk(server: RunningServer, client: str) -> list[list[str]]:
    obtain(client)
    node = str(node_program())
    commands: dict[str, tuple[tuple[str, ...], Path | None]] = {
        "python": ((sys.executable, "-c", PYTHON), None),
        "javascript": ((node, "--input-type=module", "--eval", JAVASCRIPT), CHECKOUT.node),
    }
    command, folder = commands[client]
    done = subprocess.run(
        command,
        input=json.dumps(list(WALKS.values())),
        env={
            "PATH": os.environ.get("PATH", os.defpath),
            "SEAM_ENDPOINT": server.endpoint,
            "SEAM_API_KEY": API_KEY,
        },
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]
