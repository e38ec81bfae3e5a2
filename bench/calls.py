"""The requests of the measured calls, as cURL users and PHP send them."""

import json
from collections.abc import Callable, Iterator
from itertools import cycle
from random import Random
from typing import Any

from bench import load
from bench.peers import Doorward, HttpPeer
from bench.population import name, surname


def post(peer: HttpPeer, path: str, **parameters: Any) -> bytes:
    """One call."""
    return load.request("POST", path, peer.token, json.dumps(parameters).encode())


def removals(peer: HttpPeer) -> list[bytes]:
    """One removal from the group for each person: the seed call. Both servers understand it."""
    return [_member(peer, user, "remove_from") for user in peer.users]


def _member(peer: HttpPeer, user: str, verb: str) -> bytes:
    path = f"/acs/users/{verb}_access_group"
    return post(peer, path, acs_user_id=user, acs_access_group_id=peer.group)


def gets(peer: HttpPeer) -> list[bytes]:
    """One get for each person."""
    return [post(peer, "/acs/users/get", acs_user_id=user) for user in peer.users]


def pages(peer: Doorward) -> list[bytes]:
    """The first page of people, a hundred of them."""
    return [post(peer, "/acs/users/list", limit=100)] * (len(peer.users) // 2)


def searches(peer: Doorward) -> list[bytes]:
    """Somebody by surname, each time another one."""
    places = Random(7).sample(range(peer.people), len(peer.users) // 2)
    return [post(peer, "/acs/users/list", search=surname(place), limit=20) for place in places]


def creations(peer: Doorward) -> list[bytes]:
    """One new person for each, without a group."""
    names = [f"New {name(place)}" for place in range(len(peer.users) // 2)]
    return [
        post(peer, "/acs/users/create", acs_system_id=peer.system, full_name=each) for each in names
    ]


def mixed(peer: Doorward) -> list[bytes]:
    """Of twenty calls fourteen gets, three seed calls, two pages and a search, in any order."""
    random, count = Random(11), len(peer.users)
    made = random.sample(gets(peer), count * 14 // 20) + random.sample(
        removals(peer), count * 3 // 20
    )
    made += pages(peer)[: count * 2 // 20] + searches(peer)[: count // 20]
    random.shuffle(made)
    return made


def changes(peer: Doorward) -> Iterator[bytes]:
    """For ever: each person in turn is taken out of the group, read, and put back."""
    for user in cycle(peer.users):
        yield _member(peer, user, "remove_from")
        yield post(peer, "/acs/users/get", acs_user_id=user)
        yield _member(peer, user, "add_to")


CALLS: dict[str, Callable[[Doorward], list[bytes]]] = {
    "seed": removals,
    "get": gets,
    "list page": pages,
    "search": searches,
    "create": creations,
    "mixed": mixed,
}
