"""What a line of the log looks like, and what is kept out of it."""

import logging
import os
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final, TextIO

import msgspec
from structlog.dev import ConsoleRenderer
from structlog.typing import EventDict, Processor, WrappedLogger

from doorward.errors import StartError
from doorward.faults import named, told

_OURS: Final = "doorward"
# Their messages are for the operator, and nothing of a request is ever in them.
_TELLABLE: Final = (StartError, OSError)

_encode = msgspec.json.Encoder(enc_hook=str).encode


class Formatter(logging.Formatter):
    """Makes a line of a record of any logger, without what may be somebody's."""

    def __init__(self, render: Processor) -> None:
        super().__init__()
        self._render = render

    def format(self, record: logging.LogRecord) -> str:
        """One line; several where there is a fault, in the console form."""
        # Not by structlog's ProcessorFormatter, which makes two more records of each.
        event = _event(_guarded(record))
        return str(self._render(None, event["level"], event))


def _guarded(record: logging.LogRecord) -> logging.LogRecord:
    """The record without values that other people's libraries put into it, and without messages of
    exceptions in anybody's.
    """
    is_ours = record.name.partition(".")[0] == _OURS
    if is_ours and not record.args and isinstance(record.msg, str):
        return record
    hide = _own_argument if is_ours else _foreign_argument
    copy = logging.makeLogRecord(record.__dict__)
    if not isinstance(record.msg, str):
        copy.msg = hide(record.msg)
    if isinstance(record.args, Mapping):
        copy.args = {name: hide(value) for name, value in record.args.items()}
    elif record.args:
        copy.args = tuple(map(hide, record.args))
    if not is_ours:
        copy.__dict__.pop("fields", None)
    return copy


def _own_argument(value: object) -> object:
    if isinstance(value, BaseException) and not isinstance(value, _TELLABLE):
        return named(value)
    return value


def _foreign_argument(value: object) -> object:
    return value if isinstance(value, (int, float)) else "…"


def _event(record: logging.LogRecord) -> EventDict:
    headline, _, fault = record.getMessage().partition("\n")
    if record.exc_info and record.exc_info[1] is not None:
        fault = told(record.exc_info[1])
    event: EventDict = {
        "time": _time(record.created),
        "level": record.levelname.lower(),
        "logger": record.name,
        "event": headline,
        **record.__dict__.get("fields", {}),
    }
    if fault:
        event["exception"] = fault
    return event


def _time(created: float) -> str:
    """UTC, as the API writes it: 2026-01-31T08:00:00.000Z."""
    return f"{datetime.fromtimestamp(created, UTC).isoformat(timespec='milliseconds')[:-6]}Z"


def renderer(stream: TextIO, form: str) -> Processor:
    """Makes text of an event: "console" or "json" (doorward.settings), coloured on a terminal."""
    if form == "json":
        return _json
    if not stream.isatty() or os.environ.get("NO_COLOR"):
        return _plain
    coloured = ConsoleRenderer(timestamp_key="time", sort_keys=False, pad_event_to=0)
    return lambda logger, level, event: coloured(logger, level, _known(event))


def _json(logger: WrappedLogger, level: str, event: EventDict) -> str:  # noqa: ARG001
    try:
        return _encode(event).decode()
    except UnicodeEncodeError:
        # Half a surrogate pair: a file's name that is no UTF-8.
        return _encode({key: _readable(value) for key, value in event.items()}).decode()


def _readable(value: object) -> object:
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode()
    return value


def _plain(logger: WrappedLogger, level: str, event: EventDict) -> str:  # noqa: ARG001
    """The coloured form without its colours, at a tenth of its cost."""
    event = _known(event)
    at, name, headline = event.pop("time"), event.pop("logger"), event.pop("event")
    fault = event.pop("exception", None)
    del event["level"]
    pairs = "".join([f" {key}={value}" for key, value in event.items()])
    line = f"{at} [{level:9}] {headline} [{name}]{pairs}"
    return f"{line}\n{fault}" if fault else line


def _known(event: EventDict) -> EventDict:
    return {
        key: value if isinstance(value, (int, float)) else str(value)
        for key, value in event.items()
        if value is not None
    }
