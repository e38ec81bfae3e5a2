"""Small damage to bytes, as networks, proxies and people with bad intentions do it."""

from collections.abc import Callable, Sequence
from random import Random

# Each takes the bytes, the words that mean something where they go, and the randomness.
_Mutation = Callable[[bytes, Sequence[bytes], Random], bytes]

NUMBERS = (
    *(b"0", b"-0", b"1", b"-1", b"0.5", b"1e3", b"1e-400", b"1e999", b"-1e999", b"00", b"0x10"),
    *(b"9007199254740991", b"9007199254740992", b"9223372036854775808", b"18446744073709551616"),
    *(b"1" * 400, b"NaN", b"Infinity", b"1_000", b"\xd9\xa3"),
)


def mutate(data: bytes, words: Sequence[bytes], random: Random, most: int = 4) -> bytes:
    """The bytes with up to `most` things done to them, at least one unless `most` is 0."""
    for _ in range(random.randint(min(1, most), most)):
        data = random.choice(_MUTATIONS)(data, words, random)
    return data


def pieces(data: bytes, random: Random, most: int = 4) -> list[bytes]:
    """The bytes cut at up to `most` borders; no piece is empty."""
    if len(data) < 2:
        return [data]
    borders = sorted({random.randrange(1, len(data)) for _ in range(random.randint(0, most))})
    return [data[a:b] for a, b in zip([0, *borders], [*borders, len(data)], strict=True)]


def _place(data: bytes, random: Random) -> int:
    return random.randint(0, len(data))


def _span(data: bytes, random: Random) -> tuple[int, int]:
    start = _place(data, random)
    return start, min(len(data), start + random.choice((1, 1, 2, 4, 16, 64)))


def _flip(data: bytes, _: Sequence[bytes], random: Random) -> bytes:
    if not data:
        return data
    at = random.randrange(len(data))
    return data[:at] + bytes([data[at] ^ (1 << random.randrange(8))]) + data[at + 1 :]


def _any_byte(data: bytes, _: Sequence[bytes], random: Random) -> bytes:
    at = _place(data, random)
    return data[:at] + random.randbytes(random.choice((1, 1, 2, 5))) + data[at:]


def _drop(data: bytes, _: Sequence[bytes], random: Random) -> bytes:
    start, stop = _span(data, random)
    return data[:start] + data[stop:]


def _repeat(data: bytes, _: Sequence[bytes], random: Random) -> bytes:
    start, stop = _span(data, random)
    return data[:stop] + data[start:stop] * random.choice((1, 1, 2, 40)) + data[stop:]


def _word(data: bytes, words: Sequence[bytes], random: Random) -> bytes:
    at = _place(data, random)
    return data[:at] + random.choice(words) + data[at:]


def _over(data: bytes, words: Sequence[bytes], random: Random) -> bytes:
    start, stop = _span(data, random)
    return data[:start] + random.choice(words) + data[stop:]


def _number(data: bytes, _: Sequence[bytes], random: Random) -> bytes:
    start, stop = _span(data, random)
    return data[:start] + random.choice(NUMBERS) + data[stop:]


def _cut(data: bytes, _: Sequence[bytes], random: Random) -> bytes:
    return data[: _place(data, random)]


def _swap(data: bytes, _: Sequence[bytes], random: Random) -> bytes:
    start, stop = _span(data, random)
    return (
        data[stop:] + data[start:stop] + data[:start]
        if random.random() < 0.2
        else (data[:start] + data[start:stop][::-1] + data[stop:])
    )


_MUTATIONS: tuple[_Mutation, ...] = (
    *(_flip, _any_byte, _drop, _repeat, _word, _word, _over, _over, _number, _cut, _swap),
)
