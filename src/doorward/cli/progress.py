"""A bar that shows how far a long command is, on a terminal alone."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import Progress


@contextmanager
def bar(what: str) -> Iterator[Callable[[int, int], None]]:
    """What is to be told how much is done, and of how much; on the standard error."""
    with Progress(console=Console(stderr=True), transient=True, disable=not _is_seen()) as shown:
        task = shown.add_task(what, total=None)

        def advance(done: int, total: int) -> None:
            shown.update(task, completed=done, total=total)

        yield advance


def _is_seen() -> bool:
    return Console(stderr=True).is_terminal
