"""The movable clock: what it takes from whom, and what it knows without a database."""

import logging
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest

from doorward.clock import MovableClock
from doorward.server import _clock
from doorward.settings import Settings
from doorward.store.database import Database
from doorward.store.watch import Watch
from tests.store.sites import make_site

ONE, OTHER = UUID(int=1), UUID(int=2)
HOUR = timedelta(hours=1)


def test_it_moves_one_workspace() -> None:
    clock = MovableClock()
    before = datetime.now(UTC)
    clock.moved(ONE, HOUR)
    assert before + HOUR <= clock.now(ONE) <= datetime.now(UTC) + HOUR
    assert before <= clock.now(OTHER) <= datetime.now(UTC)


def test_the_further_of_two_moves_counts_in_either_order() -> None:
    clock = MovableClock()
    clock.moved(ONE, 2 * HOUR)
    clock.moved(ONE, HOUR)
    assert clock.ahead(ONE) == 2 * HOUR


def test_a_look_that_began_before_the_move_counts_no_more() -> None:
    clock, early = MovableClock(), time.monotonic()
    clock.moved(ONE, HOUR)
    clock.heard({}, early)
    assert clock.ahead(ONE) == HOUR
    clock.heard({OTHER: HOUR}, time.monotonic())
    assert (clock.ahead(ONE), clock.ahead(OTHER)) == (timedelta(), HOUR)


def test_it_is_kept_until_the_database_is_heard(tmp_path: Path) -> None:
    kept, ahead = tmp_path / "clock.json", timedelta(days=3, microseconds=1)
    MovableClock(kept).moved(ONE, ahead)
    later = MovableClock(kept)
    assert later.ahead(ONE) == ahead
    # As after a restore: what the database says is what counts, here and at the next start.
    later.heard({OTHER: HOUR}, time.monotonic())
    assert (later.ahead(ONE), later.ahead(OTHER)) == (timedelta(), HOUR)
    assert MovableClock(kept).ahead(ONE) == timedelta()
    assert [*tmp_path.iterdir()] == [kept]


@pytest.mark.parametrize("text", ["", "[]", '{"x": 1}', f'{{"{ONE}": "much"}}', '{"'])
def test_a_damaged_file_is_told_and_ignored(
    tmp_path: Path, text: str, caplog: pytest.LogCaptureFixture
) -> None:
    kept = tmp_path / "clock.json"
    kept.write_text(text, "utf-8")
    assert MovableClock(kept).ahead(ONE) == timedelta()
    assert "clock.json cannot be read" in caplog.text


def test_a_full_disk_stops_nothing(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    clock = MovableClock(tmp_path / "nowhere" / "clock.json")
    with caplog.at_level(logging.ERROR):
        clock.moved(ONE, HOUR)
    assert clock.ahead(ONE) == HOUR
    assert "clock.json cannot be written" in caplog.text


async def test_a_server_starts_with_what_the_database_says(
    database: Database, tmp_path: Path
) -> None:
    workspace_id = (await make_site(database)).workspace_id
    await database.execute("update workspace set is_sandbox = true, clock_ahead = '1 hour'")
    settings = Settings("127.0.0.1", 0, tmp_path, None, None)
    # Doors decide from here on; the watch has not looked yet.
    clock = await _clock(settings, database, Watch(database))
    assert clock.ahead(workspace_id) == HOUR
    # And with what is on disk, where the database is gone again.
    await database.close()
    again = await _clock(settings, database, Watch(database))
    assert again.ahead(workspace_id) == HOUR
