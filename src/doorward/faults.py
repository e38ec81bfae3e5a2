"""How an error is told without quoting what it was about."""

import errno
import re
import sqlite3
import traceback
from collections.abc import Iterator

# SQLSTATE (PostgreSQL, appendix A): five characters that name a class of errors, never a value.
_SQLSTATE = re.compile(r"[0-9A-Z]{5}")


def told(error: BaseException) -> str:
    """Where an error and its causes happened and of which type they are, a line each and more.

    Never a message, a note or a local value: they may quote a PIN, a token or a name. Codes that a
    database or the operating system gave it are told, for they say what to do about it.
    """
    return "\n".join(_lines(error, set()))


def _lines(error: BaseException | None, seen: set[int]) -> Iterator[str]:
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield f"{named(error)} at"
        yield "".join(traceback.format_tb(error.__traceback__)).rstrip()
        if isinstance(error, BaseExceptionGroup):
            for each in error.exceptions:
                yield from _lines(each, seen)
        error = error.__cause__ or error.__context__


def named(error: BaseException) -> str:
    """The type of an error, and its code where it has one: `builtins.OSError (ENOSPC)`."""
    kind = f"{type(error).__module__}.{type(error).__qualname__}"
    code = _code(error)
    return f"{kind} ({code})" if code else kind


def _code(error: BaseException) -> str | None:
    if isinstance(error, OSError):
        return errno.errorcode.get(error.errno) if error.errno is not None else None
    if isinstance(error, sqlite3.Error):
        return getattr(error, "sqlite_errorname", None)
    state = getattr(error, "sqlstate", None)
    return state if isinstance(state, str) and _SQLSTATE.fullmatch(state) else None
