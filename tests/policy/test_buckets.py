"""The compact tables against dictionaries: what was put is there, what was dropped leaves nothing.

Ids are made of few different bytes, so that one often shows up across the border of two records.
"""

from itertools import count
from random import Random
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from doorward.policy.buckets import Buckets
from doorward.policy.packed import Links, Numbers

from .worlds import linked, records

keys = st.lists(st.sampled_from((0, 1, 255)), min_size=4, max_size=4).map(bytes)
identities = st.tuples(keys, st.sampled_from((b"\0", b"\1"))).map(b"".join)
drawn = st.tuples(identities, st.sampled_from((b"\0\0", b"\0\1"))).map(b"".join)
changes = st.lists(st.tuples(drawn, st.binary(max_size=3) | st.none()), max_size=150)

KEY, IDENTITY, WIDTH = 4, 5, 7


def changed(made: list[tuple[bytes, bytes | None]]) -> tuple[Buckets, dict[bytes, bytes]]:
    """The table after these changes, a note of None standing for none, and what it should hold."""
    table = Buckets(KEY, IDENTITY, WIDTH)
    expected: dict[bytes, bytes] = {}
    for record, note in made:
        before = next((each for each in expected if each.startswith(record[:IDENTITY])), None)
        expected.pop(before or b"", None)
        if note is None:
            assert table.remove(record[:IDENTITY]) == before
        else:
            table.put(record, note)
            expected[record] = note
    return table, expected


@given(changes)
def test_a_table_holds_what_a_dictionary_does(made: list[tuple[bytes, bytes | None]]) -> None:
    table, expected = changed(made)
    assert records(table) == sorted(expected.items())
    assert table._count == len(expected)
    for record, _ in made:
        held = [each for each in expected.items() if each[0].startswith(record[:IDENTITY])]
        assert table.note(record[:IDENTITY]) == (held[0][1] if held else None)
        for width in (KEY, IDENTITY, WIDTH):
            start = record[:width]
            found = [each for each in expected.items() if each[0].startswith(start)]
            assert sorted(table.beginning_with(start)) == sorted(found)


def test_it_grows_and_shrinks_with_its_records() -> None:
    random, table = Random(1), Buckets(16, 16, 16)
    ids = [random.randbytes(16) for _ in range(5_000)]
    for each in ids:
        table.put(each, each[:2])
    assert all(table.note(each) == each[:2] for each in ids)
    assert max(map(len, table.buckets())) < 64  # else a look-up costs more and more
    grown = len(table._blobs)
    assert grown > 300
    for each in ids[1_000:]:
        table.remove(each)
    assert all((table.note(each) is None) == (at >= 1_000) for at, each in enumerate(ids))
    assert len(table._blobs) < grown // 4
    for each in ids[:1_000]:
        table.remove(each)
    assert (records(table), table._blobs, table._notes, table._mask) == ([], [b""], [()], 0)


def test_a_walk_goes_on_while_the_table_changes() -> None:
    table = Buckets(2, 2, 2)
    for at in range(500):
        table.put(at.to_bytes(2))
    seen = set()
    for step, bucket in zip(count(), table.buckets(), strict=False):
        seen |= {record for record, _ in bucket}
        table.put((1_000 + step).to_bytes(2))
        table.remove((499 - step).to_bytes(2))
    assert seen >= {at.to_bytes(2) for at in range(400)} or len(seen) > 200


targets = st.sampled_from((0, 1, 256, 257, 65536, 1 << 100))
links = st.lists(st.tuples(st.sampled_from("abc"), targets, st.booleans()), max_size=60)


@given(links, links)
def test_links_hold_what_sets_do(
    one: list[tuple[str, int, bool]], other: list[tuple[str, int, bool]]
) -> None:
    numbers = Numbers()
    relations = [(Links(numbers), dict[bytes, set[int]](), made) for made in (one, other)]
    for relation, expected, made in relations:
        for name, target, is_linked in made:
            subject = name.encode() * 16
            relation.put(subject, target, is_linked)
            known = expected.setdefault(subject, set())
            known.add(target) if is_linked else known.discard(target)
            assert (numbers.of(target) in relation.of(subject)) == is_linked
    for relation, expected, _ in relations:
        assert linked(relation) == {
            UUID(bytes=subject): {UUID(int=target) for target in known}
            for subject, known in expected.items()
            if known
        }
        for subject, known in expected.items():
            assert {numbers.id_of(number) for number in relation.of(subject)} == known
    used = set().union(*(known for _, expected, _ in relations for known in expected.values()))
    assert set(numbers._numbers) == used


def test_a_number_that_nobody_refers_to_is_given_again() -> None:
    numbers = Numbers()
    first = numbers.take(7)
    assert (numbers.take(7), numbers.of(7), numbers.id_of(first)) == (first, first, 7)
    numbers.drop(first)
    assert numbers.of(7) == first
    numbers.drop(first)
    assert numbers.of(7) is None
    assert (numbers.take(8), numbers.of(7), numbers.id_of(first)) == (first, None, 8)
