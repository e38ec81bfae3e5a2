"""Rounds one by one, over the simulated system's real driver, counting what it is asked."""

from dataclasses import dataclass, field
from uuid import UUID

import pytest

from doorward.resources.provider import PROVIDERS
from doorward.site.apply import apply_if_empty
from doorward.site.parse import parse_site
from doorward.store import external, simulated
from doorward.store.database import Database
from doorward.store.external import Fields, Key, Where
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


class Counting(SimulatedDriver):
    """Counts what it is asked to put."""

    puts = 0

    async def put(self, key: Key, fields: Fields) -> None:
        """Puts, and counts."""
        self.puts += 1
        await super().put(key, fields)


@dataclass
class Small:
    """One simulated system that is to have one person."""

    database: Database
    keyring: Keyring
    where: Where
    user: Key
    drivers: list[Counting] = field(default_factory=list)

    def process(self) -> System:
        """What a server process has of the system."""
        provider = PROVIDERS["salto_ks_site"]
        driver = Counting(self.database, self.keyring, self.where, provider)
        self.drivers.append(driver)
        return System(self.database, self.keyring, self.where, provider, driver, MovableClock())

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
    return Small(database, keyring, where, Key("user", site.users["anna"].acs_user_id))


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
