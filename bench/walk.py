"""A walk through all people, page by page, as a client that copies them takes it."""

import asyncio
import time

import msgspec

from bench import load
from bench.calls import post
from bench.peers import Doorward

LIMIT = 500


class _Pagination(msgspec.Struct):
    next_page_cursor: str | None


class _Page(msgspec.Struct):
    acs_users: list[msgspec.Raw]
    pagination: _Pagination


_decode = msgspec.json.Decoder(_Page).decode


async def all_users(peer: Doorward) -> tuple[int, load.Timing]:
    """How many there were, and how long each page took."""
    reader, writer = await asyncio.open_connection("127.0.0.1", peer.port, limit=2**24)
    rows, latencies = 0, list[float]()
    cursor: str | None = None
    started = time.perf_counter()
    while True:
        sent = time.perf_counter()
        place: dict[str, str] = {} if cursor is None else {"page_cursor": cursor}
        writer.write(post(peer, "/acs/users/list", **{"limit": LIMIT, **place}))
        page = _decode(await load.answer(reader))
        latencies.append(time.perf_counter() - sent)
        rows, cursor = rows + len(page.acs_users), page.pagination.next_page_cursor
        if cursor is None:
            break
    writer.close()
    return rows, load.Timing(time.perf_counter() - started, latencies)
