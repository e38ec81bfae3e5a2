"""A change of policy reaches the door: in memory, on disk, confirmed."""

import pytest

from doorward.doors.slice import Slice
from doorward.errors import ApiError
from doorward.policy.facts import NO_KEY, GroupState, Kind, encode_state
from doorward.store import slices
from doorward.store.database import Connection, Database
from doorward.store.secrets import Keyring
from tests.doors.conftest import Serve, Server, head, until
from tests.doors.slices_of import in_tables, on_disk
from tests.doors.worlds import World, make_controller


async def confirmed(database: Database, world: World, place: int = 0) -> tuple[int, int]:
    """What the server has heard from a controller: epoch and revision."""
    row = await database.fetchrow(
        "select confirmed_epoch, confirmed_revision from controller where controller_id = $1",
        world.controllers[place],
    )
    assert row is not None
    return row[0], row[1]


async def assert_slices_equal_tables(server: Server, world: World) -> None:
    """Stops the server and compares what it leaves on disk."""
    await server.stop()
    for place in range(2):
        key = world.key(place)
        assert on_disk(server.data, key) == await in_tables(server.database, key)


async def test_a_removal_is_refused_and_confirmed(world: World, serve: Serve) -> None:
    server = await serve()
    await server.submit(world, world.add(1))
    await server.submit(world, world.add())
    before = await server.present(world)
    assert (before.outcome, before.acs_user_id) == ("allow", world.users[0])

    revision = await server.submit(world, world.remove())
    after = await server.present(world)
    assert (after.outcome, after.reason) == ("deny", "deny_no_access")
    assert after.policy_revision >= revision
    assert await confirmed(server.database, world) == (1, revision)
    await assert_slices_equal_tables(server, world)


async def test_a_new_person_is_known_by_card_and_code(
    world: World, serve: Serve, keyring: Keyring
) -> None:
    server = await serve()
    await server.submit(world, world.operation(lambda c: world.make_person(c, keyring)))
    await server.submit(world, world.add(3))
    assert (await server.present(world, card="7-3")).acs_user_id == world.users[3]
    by_code = await server.doors.present(world.workspace_id, world.entrances[0], code="9003")
    assert by_code.acs_user_id == world.users[3]
    await assert_slices_equal_tables(server, world)


async def test_a_change_by_another_process_is_heard_by_the_watch(
    world: World, serve: Serve
) -> None:
    here, other = await serve("here"), await serve("other")
    await other.writer.submit(world.add())
    await until(lambda: _is_open(here, world))
    await other.writer.submit(world.remove())
    await until(lambda: _is_closed(here, world))


async def _is_open(server: Server, world: World) -> bool:
    return (await server.present(world)).outcome == "allow"


async def _is_closed(server: Server, world: World) -> bool:
    return not await _is_open(server, world)


async def test_waiting_for_doors_that_others_run(world: World, serve: Serve) -> None:
    running, other = await serve("here"), await serve("other")
    await until(lambda: other.doors._elsewhere)
    revision = await other.submit(world, world.add())
    assert await confirmed(running.database, world) == (1, revision)
    assert (await running.present(world)).outcome == "allow"


async def test_a_long_tail_is_taken_in_parts(world: World, serve: Serve) -> None:
    server = await serve()
    long = 2 * slices.CHUNK + 10

    async def many(connection: Connection) -> None:
        await connection.execute(
            "select record_change($1, $2, 'user', gen_random_uuid(), $3, '{}', 'test', now())"
            " from generate_series(1, $4)",
            world.workspace_id,
            world.acs_system_id,
            NO_KEY,
            long,
        )

    before = await head(server.database, world)
    assert await server.submit(world, world.operation(many)) == before + long
    await assert_slices_equal_tables(server, world)


async def test_an_entrance_that_moves_takes_its_readers_and_links_along(
    world: World, serve: Serve
) -> None:
    server = await serve()
    await server.submit(world, world.add())
    await server.submit(world, world.operation(lambda c: world.move_entrance(c, 0, 1)))
    assert not server.controller(world.controllers[0]).has_entrance(world.entrances[0])
    assert server.controller(world.controllers[1]).has_entrance(world.entrances[0])
    assert (await server.present(world)).outcome == "allow"
    await assert_slices_equal_tables(server, world)


async def test_an_entrance_and_a_link_that_are_new(world: World, serve: Serve) -> None:
    server = await serve()

    async def extend(connection: Connection) -> None:
        world.entrances.append(await world.make_entrance(connection, 0))
        await world.make_group(connection, 2)

    await server.submit(world, world.operation(extend))
    await server.submit(world, world.add(group=1))
    assert (await server.present(world, 2)).outcome == "allow"
    assert (await server.present(world, 0)).reason == "deny_no_access"
    await server.submit(world, world.operation(lambda c: world.link(c, 1, 2, is_desired=False)))
    assert (await server.present(world, 2)).reason == "deny_no_access"
    await assert_slices_equal_tables(server, world)


async def test_a_new_epoch_makes_it_fetch_the_whole_slice(world: World, serve: Serve) -> None:
    server = await serve()
    await server.submit(world, world.add())

    # As a restore does: the tables are older than what the doors have, under a new epoch.
    async def restore(connection: Connection) -> None:
        w = world.workspace_id
        revision = await connection.fetchval(
            "delete from policy_fact where workspace_id = $1 and kind = 'membership'"
            " returning from_revision",
            w,
        )
        for table in ("policy_journal", "acs_membership"):
            await connection.execute(
                f"delete from {table} where workspace_id = $1 and revision = $2", w, revision
            )
        await connection.execute(
            "update policy_revision set epoch = 2, revision = $2 where workspace_id = $1",
            w,
            revision - 1,
        )

    await server.writer.submit(world.operation(restore))
    await until(lambda: _is_closed(server, world))
    expected = (2, await head(server.database, world))

    async def is_confirmed() -> bool:
        heard = [await confirmed(server.database, world, place) for place in range(2)]
        return heard == [expected] * 2

    await until(is_confirmed)
    await assert_slices_equal_tables(server, world)


async def test_a_new_epoch_that_counts_on_is_fetched_whole(world: World, serve: Serve) -> None:
    server = await serve()
    await server.submit(world, world.add())

    async def repair(connection: Connection) -> None:
        w = world.workspace_id
        for gone in ("policy_fact where kind = 'membership' and", "acs_membership where"):
            await connection.execute(f"delete from {gone} workspace_id = $1", w)
        await connection.execute("update policy_revision set epoch = epoch + 1")
        await world.make_group(connection, 0)

    await server.submit(world, world.operation(repair))
    await until(lambda: _is_closed(server, world))


async def test_a_restored_database_that_counts_on_is_known_by_its_hashes(
    world: World, serve: Serve
) -> None:
    server = await serve()
    await server.submit(world, world.add())

    # A backup from before the last change, and since the restore as many other changes.
    async def restore_and_go_on(connection: Connection) -> None:
        w = world.workspace_id
        gone = await connection.fetchrow(
            "delete from policy_journal j where workspace_id = $1 and revision ="
            " (select revision from policy_revision where workspace_id = $1)"
            " returning revision, previous_hash",
            w,
        )
        assert gone is not None
        await connection.execute(
            "delete from policy_fact where workspace_id = $1 and kind = 'membership'", w
        )
        await connection.execute("delete from acs_membership where workspace_id = $1", w)
        await connection.execute(
            "update policy_revision set revision = $2, last_hash = $3 where workspace_id = $1",
            w,
            gone["revision"] - 1,
            gone["previous_hash"],
        )
        await world.make_group(connection, 0)
        await world.make_group(connection, 0)

    await server.writer.submit(world.operation(restore_and_go_on))
    await until(lambda: _is_closed(server, world))
    expected = (1, await head(server.database, world))

    async def is_confirmed() -> bool:
        heard = [await confirmed(server.database, world, place) for place in range(2)]
        return heard == [expected] * 2

    await until(is_confirmed)
    await assert_slices_equal_tables(server, world)


async def test_a_gap_in_the_journal_makes_it_fetch_the_whole_slice(
    world: World, serve: Serve
) -> None:
    server = await serve()
    await server.submit(world, world.add())

    async def prune(connection: Connection) -> None:
        await world.make_group(connection, 0)
        await connection.execute(
            "delete from policy_journal where workspace_id = $1 and revision ="
            " (select max(revision) - 1 from policy_journal where workspace_id = $1)",
            world.workspace_id,
        )

    await server.submit(world, world.operation(prune))
    await server.submit(world, world.remove())
    await assert_slices_equal_tables(server, world)


async def test_a_full_disk_delays_the_confirmation_and_not_the_refusal(
    world: World, serve: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    server = await serve()
    revision = await server.submit(world, world.add())
    connection = server.controller(world.controllers[0])._disk._connection
    pages = connection.execute("pragma page_count").fetchone()[0]
    connection.execute(f"pragma max_page_count = {pages}")

    async def many(connection: Connection) -> None:
        for _ in range(300):
            await world.make_group(connection, 0)

    await server.writer.submit(world.remove())
    await server.writer.submit(world.operation(many))
    last = await head(server.database, world)
    follower = server.controller(world.controllers[0]).follower
    await until(lambda: follower.slice.index.revision == last)
    user, credential, entrance = world.users[0], world.credentials[0], world.entrances[0]
    assert not list(follower.slice.index.paths(user, credential, entrance))
    await until(lambda: "database or disk is full" in caplog.text)
    assert (await confirmed(server.database, world))[1] < last
    assert revision < last

    connection.execute("pragma max_page_count = 1000000")
    assert await server.doors.wait_confirmed(world.workspace_id, last, 10)
    await assert_slices_equal_tables(server, world)


async def test_a_controller_declared_while_the_server_runs(world: World, serve: Serve) -> None:
    server = await serve()
    await server.submit(world, world.add())
    world.controllers.append(world.connected_account_id)  # any id will do

    async def declare(connection: Connection) -> None:
        await make_controller(connection, world, world.controllers[2])
        await world.move_entrance(connection, 0, 2)

    await server.writer.submit(world.operation(declare))
    await until(lambda: world.controllers[2] in server.doors._controllers)
    await until(lambda: server.controller(world.controllers[2]).has_entrance(world.entrances[0]))
    assert (await server.present(world)).outcome == "allow"


async def test_a_controller_that_is_retired_while_the_server_runs(
    world: World, serve: Serve
) -> None:
    server = await serve()

    async def retire(connection: Connection) -> None:
        await world.move_entrance(connection, 0, 1)
        await connection.execute(
            "delete from controller where controller_id = $1", world.controllers[0]
        )

    await server.writer.submit(world.operation(retire))
    lease = server.controller(world.controllers[0]).follower.lease
    await until(lambda: lease.standing == "retired")
    await server.submit(world, world.add())
    assert (await server.present(world, 0)).outcome == "allow"

    async def close(connection: Connection) -> None:
        await world.record(connection, Kind.ENTRANCE, world.entrances[0], world.controllers[1])
        for table in ("access_group_entrance", "reader", "acs_entrance"):
            await connection.execute(
                f"delete from {table} where acs_entrance_id = $1", world.entrances[0]
            )

    await server.submit(world, world.operation(close))
    with pytest.raises(ApiError) as refused:
        await server.present(world, 0)
    assert refused.value.status == 404


async def test_another_systems_facts_stay_out_of_the_slice(world: World, serve: Serve) -> None:
    server = await serve()

    async def foreign(connection: Connection) -> None:
        await connection.execute(
            "select record_change($1, gen_random_uuid(), 'group', gen_random_uuid(), $1, $2::text"
            "::jsonb, 'test', now())",
            world.workspace_id,
            encode_state(GroupState()).decode(),
        )

    await server.submit(world, world.operation(foreign))
    await assert_slices_equal_tables(server, world)


async def test_entries_twice_late_or_with_a_gap_do_not_continue_a_slice(
    world: World, serve: Serve
) -> None:
    server = await serve()
    link, key = server.doors._links[0], world.key()
    await server.submit(world, world.add())
    whole = await slices.read_tail(link, key, 0)
    assert whole is not None
    slice_ = Slice(key)
    assert not slice_.is_continued_by(whole)
    slice_.complete(whole.contact.head, whole.contact.last_hash)

    again = await slices.read_tail(link, key, 0)
    assert again is not None
    assert not slice_.is_continued_by(again)
    await server.submit(world, world.remove())
    await server.submit(world, world.add())
    late = await slices.read_tail(link, key, whole.contact.head.revision + 1)
    assert late is not None
    assert not slice_.is_continued_by(late)
    right = await slices.read_tail(link, key, whole.contact.head.revision)
    assert right is not None
    assert slice_.is_continued_by(right)
    assert [fact.kind for fact in slice_.take(right).facts] == [Kind.MEMBERSHIP] * 2
    assert not slice_.is_continued_by(right)
