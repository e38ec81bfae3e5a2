"""The plugin's fixtures, as the tests of an application use them."""

import asyncio
import json
import os
import signal
from datetime import UTC, datetime, timedelta
from pathlib import Path

import asyncpg
import httpx
import pytest
from seam.seam import Seam

from doorward.testing.door import Door
from doorward.testing.hosting import Host, HostError
from doorward.testing.moving import AdvanceTime
from doorward.testing.server import CallError, Server
from doorward.testing.site import Site

OFFICE = Path(__file__).with_name("office.yaml")


def test_a_removal_reaches_the_door(door: Door, seam: Seam, site: Site) -> None:
    badge = site.cards["jane/badge"]
    opened = door.opens("server-room", card=badge)
    assert opened.acs_user_id == site.users["jane"]
    seam.acs.users.remove_from_access_group(
        acs_access_group_id=site.access_groups["engineers"], acs_user_id=site.users["jane"]
    )
    refused = door.refuses("server-room", "deny_no_access", card=badge)
    assert (refused.outcome, refused.rule) == ("deny", 11)
    assert refused.policy_revision > opened.policy_revision
    assert refused.decided_at >= opened.decided_at
    door.opens("front-door", card=badge)
    door.opens(site.entrances["front-door"], code=site.codes["jane/code"])


def test_servers_share_nothing(doorward_host: Host) -> None:
    with doorward_host.serve() as one, doorward_host.serve() as other:
        who = {"acs_user_id": one.site.users["jane"]}
        one.call(
            "/acs/users/remove_from_access_group",
            acs_access_group_id=one.site.access_groups["engineers"],
            **who,
        )
        one.advance_time(days=1)
        badge = one.site.cards["jane/badge"]
        one.door.refuses("server-room", card=badge)
        other.door.opens("server-room", card=badge)
        assert one.advance_time.now() - other.advance_time.now() > timedelta(hours=23)
        assert one.endpoint != other.endpoint


def test_what_a_failed_opening_says(door: Door, site: Site) -> None:
    with pytest.raises(AssertionError) as failure:
        door.opens("server-room", card=site.cards["femi/badge"])
    lines = str(failure.value).splitlines()
    assert lines[0] == (
        "server-room was to open for card 42-10006 (femi), and refused: deny_no_access"
    )
    assert lines[1].startswith("  rung 11 of the ladder decided, at 20")
    assert lines[2:] == ["  no access group, credential or grant leads here"]


def test_what_a_failed_refusal_says(door: Door, site: Site) -> None:
    with pytest.raises(AssertionError) as failure:
        door.refuses("front-door", code=site.codes["femi/code"])
    head, _, path = str(failure.value).splitlines()
    assert head == "front-door was to refuse for code 4802617 (femi), and opened: allow"
    assert path == "  the access group 'Everybody' leads here, from ever until ever"


def test_a_refusal_for_another_reason_fails(door: Door) -> None:
    with pytest.raises(AssertionError, match="was to refuse because of deny_expired") as failure:
        door.refuses("front-door", "deny_expired", card="42-65000")
    head, cause, *_ = str(failure.value).splitlines()
    assert head.endswith("(nobody that it knows), and refused: deny_unknown_credential")
    assert cause == "  cause: unknown_number"


def test_names_that_the_site_does_not_have(door: Door, site: Site) -> None:
    with pytest.raises(KeyError, match="no 'front-dor' among its entrances; it has front-door"):
        door.opens("front-dor", card="42-10001")
    with pytest.raises(KeyError, match="it has panel"):
        _ = site.controllers["x"]
    assert site.name_of("x") == "x"


@pytest.mark.doorward("office.yaml")
def test_time_opens_and_closes_a_window(door: Door, advance_time: AdvanceTime, site: Site) -> None:
    starts_at = datetime(2070, 1, 1, tzinfo=UTC)
    badge, code = site.cards["ada/badge"], site.codes["ada/code"]
    door.refuses("gate", "deny_not_yet_active", card=badge)
    assert starts_at <= advance_time(to=starts_at) < starts_at + timedelta(minutes=1)
    door.opens("gate", card=badge)
    advance_time(timedelta(days=29), hours=23)
    door.opens("gate", code=code)
    now = advance_time(minutes=60)
    assert now >= datetime(2070, 1, 31, tzinfo=UTC)
    advance_time(to="2070-01-31T23:00:00Z")
    advance_time(to=datetime(2070, 2, 1))  # noqa: DTZ001 - a time without a zone is in UTC
    decision = door.refuses("gate", "deny_expired", code=code)
    assert decision.decided_at >= datetime(2070, 2, 1, tzinfo=UTC)


def test_time_does_not_move_back(advance_time: AdvanceTime) -> None:
    before = advance_time.now()
    with pytest.raises(CallError, match="400 invalid_input") as refusal:
        advance_time(seconds=-1)
    assert (refusal.value.status, refusal.value.kind) == (400, "invalid_input")
    with pytest.raises(CallError, match="'to' must not be before now"):
        advance_time(to=before - timedelta(seconds=1))
    with pytest.raises(ValueError, match="whole seconds"):
        advance_time(seconds=1.5)
    with pytest.raises(ValueError, match="not both"):
        advance_time(to=before, days=1)


@pytest.mark.parametrize("end", ["stop", "kill", "died"])
def test_a_restart_keeps_what_was_answered(doorward: Server, seam: Seam, end: str) -> None:
    site, door, endpoint = doorward.site, doorward.door, doorward.endpoint
    now = doorward.advance_time(days=400)
    seam.acs.users.remove_from_access_group(
        acs_access_group_id=site.access_groups["engineers"], acs_user_id=site.users["jane"]
    )
    if end == "died":
        os.kill(doorward.pid, signal.SIGKILL)
    else:
        getattr(doorward, end)()
        with pytest.raises(httpx.ConnectError):
            doorward.advance_time.now()
    doorward.restart()
    assert doorward.endpoint == endpoint
    refused = door.refuses("server-room", "deny_no_access", card=site.cards["jane/badge"])
    assert refused.decided_at >= now
    assert doorward.advance_time.now() >= now
    assert seam.acs.users.get(acs_user_id=site.users["jane"]).full_name == "Jane Doe"


async def test_a_moved_clock_is_found_in_the_database(doorward: Server) -> None:
    doorward.advance_time(days=2)
    doorward.stop()
    kept = doorward.log.with_suffix("") / "clock.json"
    assert json.loads(kept.read_text()) == {doorward.workspace_id: 2 * 86400 * 10**6}
    # As at another server's first start.
    kept.unlink()
    doorward.start()
    assert doorward.advance_time.now() > datetime.now(UTC) + timedelta(days=1)
    # As when another server is asked.
    database = await asyncpg.connect(doorward.database_url)
    await database.execute("update workspace set clock_ahead = '5 days'")
    await database.close()
    door, badge = doorward.door, doorward.site.cards["jane/badge"]
    async with asyncio.timeout(10):
        while door.opens("office", card=badge).decided_at < datetime.now(UTC) + timedelta(days=4):
            await asyncio.sleep(0.02)


def test_the_clients_are_pointed_by_the_environment(
    doorward: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in doorward.environment.items():
        monkeypatch.setenv(name, value)
    with Seam() as client:
        assert client.workspaces.get().workspace_id == doorward.workspace_id
    with Seam(
        endpoint=doorward.endpoint,
        personal_access_token=doorward.personal_access_token,
        workspace_id=doorward.workspace_id,
    ) as client:
        assert client.acs.entrances.list()[0].acs_system_id == doorward.site.systems["office"]


def test_a_site_file_with_faults_is_told(doorward_host: Host, tmp_path: Path) -> None:
    faulty = tmp_path / "site.yaml"
    faulty.write_text("workspace: {name: X}\nentrances:\n  gate: {nmae: Gate}\n")
    with pytest.raises(HostError, match=r"site\.yaml:3: "), doorward_host.serve(faulty):
        raise AssertionError("it was taken")
    with pytest.raises(HostError, match="nowhere"), doorward_host.serve(tmp_path / "nowhere"):
        raise AssertionError("it was taken")
    # The host goes on, and a mended file is read anew.
    faulty.write_bytes(OFFICE.read_bytes())
    with doorward_host.serve(faulty) as server:
        assert [*server.site.entrances] == ["gate"]


def test_everything_of_a_server_goes_with_it(doorward_host: Host) -> None:
    with doorward_host.serve(OFFICE) as server:
        log = server.log
        assert server.call("/acs/entrances/list")["acs_entrances"]
        data = log.with_suffix("")
        assert data.is_dir()
    assert not data.exists()
    with pytest.raises(httpx.ConnectError):
        server.call("/acs/entrances/list")
    with pytest.raises(ProcessLookupError):
        os.kill(server.pid, 0)
