"""Identities of a file that were merged since: applying it again makes nothing of it undone."""

from uuid import UUID

import pytest

from doorward.site.problems import SiteError
from doorward.store import identities, identity_changes
from doorward.store.database import Database
from doorward.store.journal import Change
from tests.conftest import MovableClock
from tests.site.conftest import Apply
from tests.site.files import TWO_SYSTEMS, edited, parsed
from tests.site.tables import digest, lines

IDENTITIES = """\
identities:
  a: {name: A, user_identity_key: a}
  b: {name: B, user_identity_key: b, phone: "+4930123456"}
users:
"""
BOTH = edited(
    ("users:\n", IDENTITIES),
    ("  nora: {name", "  nora: {identity: a, name"),
    ("  sven: {name", "  sven: {identity: b, name"),
    text=TWO_SYSTEMS,
)


@pytest.fixture
async def merged(database: Database, apply_text: Apply, clock: MovableClock) -> list[UUID]:
    """The identity that is left, and the one that was merged into it."""
    await apply_text(BOTH)
    site = parsed(BOTH)
    workspace_id = site.workspace.workspace_id
    ids = [site.identities[key].user_identity_id for key in ("a", "b")]
    change = Change(workspace_id, "test", clock.now(workspace_id))
    async with database.transaction() as connection:
        there = [await identities.get(connection, workspace_id, each) for each in ids]
        one, other = (each for each in there if each is not None)
        await identity_changes.merge(connection, change, one, [other])
    return ids


@pytest.mark.usefixtures("merged")
async def test_what_was_merged_stays_one(database: Database, apply_text: Apply) -> None:
    before = await digest(database)
    report = await apply_text(BOTH)
    assert all(line.startswith("! drift") for line in lines(report))
    assert await digest(database) == before


@pytest.mark.usefixtures("merged")
async def test_a_merged_key_is_nobody_elses(apply_text: Apply) -> None:
    text = edited(
        ("  a: {name: A", "  c: {name: C, user_identity_key: b}\n  a: {name: A"), text=BOTH
    )
    text = text.replace("  b: {name: B, user_identity_key: b,", "  b: {name: B,")
    with pytest.raises(SiteError, match="user_identity_key"):
        await apply_text(text)
