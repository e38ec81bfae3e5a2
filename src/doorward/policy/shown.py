"""A card shown to a reader that does not know it, and what who waits for one answers. Pure."""

from collections.abc import Awaitable, Callable
from typing import Literal, NamedTuple

from doorward.policy.cards import CardNumber


class Shown(NamedTuple):
    """A card that a reader did not know, and the revision of policy up to which it did not."""

    card: CardNumber
    revision: int


# done: waits no longer, the card is used up. pass_on: waits no longer, the card is for the next in
# line. ignore: the card is for nobody, and the wait goes on.
Answer = Literal["done", "pass_on", "ignore"]
Take = Callable[[Shown], Awaitable[Answer]]
