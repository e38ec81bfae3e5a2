"""Sends what everything in the process says to one stream, for as long as a server runs."""

import asyncio
import contextlib
import logging
import sys
import threading
import warnings
from collections.abc import Iterator, Mapping
from typing import Any, Final, TextIO

from doorward.logs.formatting import Formatter, renderer
from doorward.logs.writer import LogWriter

# How long the end of the process waits for whoever reads its log, in seconds.
_LAST_WORDS: Final = 1.0

_log = logging.getLogger(__name__)


@contextlib.contextmanager
def logging_to(stream: TextIO, form: str) -> Iterator[LogWriter]:
    """Sends the log of everything in this process to a stream, until the end of the block.

    form: "console" or "json" (doorward.settings).
    """
    with LogWriter(stream.fileno()).running(_LAST_WORDS) as writer:
        handler = _Handler(writer, Formatter(renderer(stream, form)))
        root = logging.getLogger()
        level = root.level
        root.addHandler(handler)
        root.setLevel(logging.INFO)
        try:
            with _told_by_hooks():
                yield writer
        finally:
            root.removeHandler(handler)
            root.setLevel(level)


def tell_loop_fault(loop: asyncio.AbstractEventLoop, context: Mapping[str, Any]) -> None:  # noqa: ARG001
    """What an event loop does with a fault that nobody handled (`loop.set_exception_handler`).

    asyncio's own handler prints the arguments of the callback and the result of the task.
    """
    task, error = context.get("task") or context.get("future"), context.get("exception")
    name = task.get_name() if isinstance(task, asyncio.Task) else "a callback"
    _log.error("nobody handled a fault in %s", name, exc_info=error)


class _Handler(logging.Handler):
    """Hands each record over as a line. Formatting is a matter of microseconds."""

    def __init__(self, writer: LogWriter, formatter: logging.Formatter) -> None:
        super().__init__()
        self._writer = writer
        self.setFormatter(formatter)

    def createLock(self) -> None:  # noqa: N802 - logging's name
        """Needs none: neither the formatter nor handing over has a state to guard."""
        self.lock = None

    def emit(self, record: logging.LogRecord) -> None:
        """Hands a record over. Raises nothing."""
        try:
            line = self.format(record)
        except Exception:  # noqa: BLE001 - whoever logs must not fail for it
            line = self.format(_unspeakable(record))
        self._writer.put(line)


def _unspeakable(record: logging.LogRecord) -> logging.LogRecord:
    told = {"name": record.name, "levelname": record.levelname, "created": record.created}
    return logging.makeLogRecord({**told, "msg": "something was logged that cannot be written"})


@contextlib.contextmanager
def _told_by_hooks() -> Iterator[None]:
    """Lets Python itself complain through the log; it would quote messages, and might wait."""
    kept = sys.unraisablehook, threading.excepthook
    with warnings.catch_warnings():
        warnings.showwarning = _tell_warning
        sys.unraisablehook = _tell_unraisable
        threading.excepthook = _tell_thread
        try:
            yield
        finally:
            sys.unraisablehook, threading.excepthook = kept


def _tell_unraisable(unraisable: "sys.UnraisableHookArgs") -> None:
    _log.error("a fault where none can be raised", exc_info=unraisable.exc_value)


def _tell_thread(args: threading.ExceptHookArgs) -> None:
    name = args.thread.name if args.thread else "a thread"
    _log.error("nobody handled a fault in %s", name, exc_info=args.exc_value)


def _tell_warning(
    message: Warning | str,  # noqa: ARG001 - may quote a value
    category: type[Warning],
    filename: str,
    lineno: int,
    file: TextIO | None = None,  # noqa: ARG001
    line: str | None = None,  # noqa: ARG001
) -> None:
    _log.warning("%s at %s line %d", category.__name__, filename, lineno)
