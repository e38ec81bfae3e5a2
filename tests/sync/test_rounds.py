"""Rounds one by one, over the simulated system's real driver, counting what it is asked."""

from dataclasses import dataclass, field
from uuid import UUID, uuid4

import pytest

from doorward.events import phones as on_phones
from doorward.resources.provider import PROVIDERS
from doorward.site.apply import apply_if_empty
from doorward.site.parse import parse_site
from doorward.store import external, identities, identity_changes, journal, phones, simulated
from doorward.store.database import Database
from doorward.store.external import Fields, Key, Where
from doorward.store.journal import Change
from doorward.store.people import CREDENTIALS, Credential
from doorward.store.personal import Personal
from doorward.store.phones import NewPhone
from doorward.store.secrets import Keyring
from doorward.store.simulated import Behaviour, Faults
from doorward.sync.simulated import SimulatedDriver
from doorward.sync.system import LOOK, System
from tests.conftest import MovableClock

SITE = b"""
workspace: {name: Small, is_sandbox: true}
systems:
  salto: {kind: simulated, provider: salto_ks_site, name: Offices, time_zone: Europe/Berlin}
users:
  anna: {name: Anna}
"""


class Killed(BaseException):
    """The process is no more."""


class Counting(SimulatedDriver):
    """Counts what it is asked to put; kills: the kind of objects at which its process dies then."""

    puts = 0
    kills = ""

    async def put(self, key: Key, fields: Fields) -> None:
        """Puts, and counts."""
        self.puts += 1
        await super().put(key, fields)
        if key.kind == self.kills:
            raise Killed


@dataclass
class Small:
    """One simulated system that is to have one person."""

    database: Database
    keyring: Keyring
    where: Where
    user: Key
    clock: MovableClock
    drivers: list[Counting] = field(default_factory=list)

    def process(self) -> System:
        """What a server process has of the system."""
        provider = PROVIDERS["salto_ks_site"]
        driver = Counting(self.database, self.keyring, self.where, provider)
        self.drivers.append(driver)
        return System(self.database, self.keyring, self.where, provider, driver, self.clock)

    @property
    def puts(self) -> list[int]:
        """How often each process has asked for something to be put."""
        return [each.puts for each in self.drivers]

    async def behave(self, faults: Faults) -> None:
        """Sets how the system behaves."""
        await simulated.behave(self.database, self.where, Behaviour(0, faults))

    async def listing(self) -> dict[Key, Fields]:
        """The system's own list."""
        return await simulated.read(self.database, self.keyring, self.where)


@pytest.fixture
async def small(database: Database, keyring: Keyring, clock: MovableClock) -> Small:
    site = parse_site("small.yaml", SITE)
    await apply_if_empty(database, keyring, site, clock=clock)
    where = Where(site.workspace.workspace_id, site.systems["salto"].acs_system_id)
    anna = Key("user", site.users["anna"].acs_user_id)
    return Small(database, keyring, where, anna, clock)


async def test_what_is_as_desired_is_not_written_again(small: Small) -> None:
    system = small.process()
    for _ in range(3):
        await system.reconcile()
    assert small.puts == [1]
    assert small.user in await small.listing()


async def test_a_lie_is_repeated_five_times_and_no_more(small: Small) -> None:
    await small.behave(Faults(is_lying=True))
    system = small.process()
    for _ in range(5):
        await external.try_at_once(small.database, small.where)
        await system.reconcile()
    assert small.puts == [5]
    for _ in range(3):
        assert await system.reconcile() > 0
    assert small.puts == [5]
    await small.database.execute("update acs_user set is_suspended = true")
    await system.reconcile()
    assert small.puts == [6], "another desired value closes the circuit"


async def test_one_process_at_a_time_writes_to_a_system(small: Small) -> None:
    await small.behave(Faults(refused=frozenset({UUID(int=1)})))
    first, second = small.process(), small.process()
    await first.reconcile()
    await simulated.forget(small.database, small.where)
    await second.reconcile()
    assert small.puts == [1, 0]
    await external.release(small.database, small.where, first._holder)
    await second.reconcile()
    assert small.puts == [1, 1]


async def test_an_object_is_ours_before_the_system_hears_of_it(small: Small) -> None:
    """A process that dies in between leaves nothing that would be taken for others'."""
    await small.behave(Faults(is_erring=True))
    await small.process().reconcile()
    desired = await external.read_desired(small.database, small.keyring, small.where)
    assert small.user in desired.asked


async def test_a_round_without_news_writes_nothing(small: Small) -> None:
    system = small.process()
    await system.reconcile()
    tables = ("external_object", "simulated_object", "event")
    before = [await _versions(small.database, table) for table in tables]
    assert before[0], "there is something that could be written again"
    for _ in range(2):
        assert await system.reconcile() == LOOK
    assert [await _versions(small.database, table) for table in tables] == before


async def test_what_others_took_away_is_unconfirmed_until_it_is_there_again(small: Small) -> None:
    system = small.process()
    await system.reconcile()
    await simulated.forget(small.database, small.where)
    await small.behave(Faults(is_lying=True))
    await system.reconcile()
    asked = (await external.read_asked(small.database, small.where))[small.user]
    assert asked.failures
    await small.behave(Faults())
    await external.try_at_once(small.database, small.where)
    await system.reconcile()
    asked = (await external.read_asked(small.database, small.where))[small.user]
    assert (asked.failures, asked.is_confirmed) == (0, True)


async def _versions(database: Database, table: str) -> set[str]:
    """Which transaction wrote each row of a table."""
    rows = await database.fetch(f"select xmin::text || ctid::text from {table}")
    return {row[0] for row in rows}


async def _key_on_a_phone(small: Small) -> UUID:
    """A key for all phones of the person, who has one; by id."""
    workspace_id, acs_system_id = small.where
    change = Change(workspace_id, "test", small.clock.now(workspace_id))
    parent = Credential(
        acs_credential_id=uuid4(),
        acs_system_id=acs_system_id,
        acs_user_id=small.user.object_id,
        access_method="mobile_key",
        display_name="Mobile key",
        starts_at=None,
        ends_at=None,
        card_format=None,
        lookup=None,
        sealed=None,
        state="active",
        issued_at=None,
        is_multi_phone_sync_credential=True,
    )
    async with small.database.transaction() as connection:
        await journal.lock(connection, workspace_id)
        anna = await identity_changes.create(connection, change, None, Personal("Anna"))
        owner = anna.user_identity_id
        await identities.give(connection, workspace_id, small.user.object_id, owner)
        service = {"seos_tsm_endpoint_id": 1}
        await phones.create(connection, change, NewPhone(owner, "ios", "Phone", None, {}, service))
        await CREDENTIALS.insert(connection, change, [parent])
        await on_phones.follow(connection, change, [parent.acs_credential_id])
    return parent.acs_credential_id


_ISSUED = """
select c.parent_acs_credential_id, count(*) from acs_credential c
join event v on v.workspace_id = c.workspace_id and v.subject_ids @> array[c.acs_credential_id]
where v.event_type = 'acs_credential.issued' and c.issued_at is not null group by 1, c.device_id"""


@pytest.mark.parametrize("moment", ["asked", "seen"])
async def test_a_key_is_issued_once_though_a_process_dies(
    small: Small, moment: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = small.process()
    await first.reconcile()
    await external.release(small.database, small.where, first._holder)
    parent = await _key_on_a_phone(small)
    dying = small.process()
    if moment == "asked":
        small.drivers[-1].kills = "credential"
    else:
        monkeypatch.setattr(on_phones, "issue", _die)
    with pytest.raises(Killed):
        await dying.reconcile()
    monkeypatch.undo()
    assert await small.database.fetch(_ISSUED) == []
    await external.release(small.database, small.where, dying._holder)
    living = small.process()
    for _ in range(2):
        await living.reconcile()
    assert small.puts == [1, 1, 0]
    issued = await small.database.fetch(_ISSUED)
    assert {tuple(row) for row in issued} == {(parent, 1), (None, 1)}
    assert len(issued) == 2


async def _die(*_: object) -> None:
    raise Killed
