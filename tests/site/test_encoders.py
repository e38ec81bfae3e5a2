"""Encoders in a site file."""

from uuid import UUID

import pytest

from doorward.clock import Clock
from doorward.site.apply import apply
from doorward.site.parse import parse_site
from doorward.site.problems import SiteError
from doorward.store.database import Database
from doorward.store.secrets import Keyring
from tests.site.files import OFFICE, TWO_SYSTEMS, parsed

DESK = "encoders:\n  desk: {name: Desk}\n"


async def _applied(
    database: Database, keyring: Keyring, clock: Clock, text: str, *, prune: bool = False
) -> list[str]:
    report = await apply(database, keyring, parsed(text), clock=clock, prune=prune)
    return [line for line in report.lines() if "encoder" in line]


async def test_an_encoder_is_made_renamed_and_pruned(
    database: Database, keyring: Keyring, clock: Clock
) -> None:
    assert await _applied(database, keyring, clock, OFFICE + DESK) == ["+ encoder desk"]
    assert await _applied(database, keyring, clock, OFFICE + DESK) == []
    renamed = OFFICE + DESK.replace("Desk", "Front desk")
    assert await _applied(database, keyring, clock, renamed) == [
        "~ encoder desk: display_name Desk -> Front desk"
    ]
    kept = await _applied(database, keyring, clock, OFFICE)
    assert kept == ["- encoder desk: no longer in the file; kept, --prune deletes it"]
    desk = parsed(OFFICE + DESK).encoders["desk"].acs_encoder_id
    await database.execute(
        "insert into acs_encoder_scenario (workspace_id, acs_encoder_id, action, outcome)"
        " select workspace_id, acs_encoder_id, 'scan', 'no_credential_on_encoder' from acs_encoder"
    )
    assert await _applied(database, keyring, clock, OFFICE, prune=True) == ["- encoder desk"]
    assert await database.fetchval("select count(*) from acs_encoder") == 0
    assert await _told(database) == [("acs_encoder.added", desk), ("acs_encoder.removed", desk)]


async def _told(database: Database) -> list[tuple[str, UUID]]:
    rows = await database.fetch(
        "select event_type, payload ->> 'acs_encoder_id' id from event"
        " where event_type like 'acs_encoder.%' order by event_type"
    )
    return [(row["event_type"], UUID(row["id"])) for row in rows]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (OFFICE + "encoders:\n  desk: {}\n", "encoders.desk.name is missing"),
        (OFFICE + "encoders:\n  desk: {name: D, system: x}\n", "names 'x', which systems does not"),
        (OFFICE + "encoders:\n  desk: {name: D, driver: usb}\n", "driver is not a key"),
        (
            TWO_SYSTEMS + "encoders:\n  desk: {name: D, system: north}\n",
            "encoders.desk: only a sandbox workspace has encoders, which are simulated",
        ),
        (
            OFFICE.replace("name: Main building", f"id: {UUID(int=7)}, name: Main building")
            + f"encoders:\n  desk: {{name: D, id: {UUID(int=7)}}}\n",
            f"the id {UUID(int=7)} stands in line",
        ),
    ],
)
def test_what_is_wrong_with_an_encoder(text: str, reason: str) -> None:
    with pytest.raises(SiteError) as refusal:
        parse_site("site.yaml", text.encode())
    assert reason in str(refusal.value)
