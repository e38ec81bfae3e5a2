"""How this command was called, so that the lines it prints can be pasted as they are."""

import shutil
import sys
from pathlib import Path
from shlex import quote

from doorward.settings import DEFAULT_HOST, DEFAULT_PORT, Settings, default_data


def command() -> str:
    """The words that start this command again, whichever folder they are pasted in."""
    started = Path(sys.argv[0])
    if started.name == "__main__.py":
        return f"{quote(sys.executable)} -m doorward"
    found = shutil.which(started.name)
    if found and started.exists() and Path(found).samefile(started):
        return quote(started.name)
    return quote(str(started.absolute()))


def eval_line(settings: Settings, port: int | None = None) -> str:
    """The line that makes another shell talk to a server with these settings.

    `port`: the one that it really got, where the settings let the system choose.
    """
    words = [command(), "env"]
    if settings.host != DEFAULT_HOST:
        words += ["--host", quote(settings.host)]
    if (port or settings.port) != DEFAULT_PORT:
        words += ["--port", str(port or settings.port)]
    if settings.tls_cert is not None and settings.tls_key is not None:
        words += ["--tls-cert", quote(str(settings.tls_cert))]
        words += ["--tls-key", quote(str(settings.tls_key))]
    return f'eval "$({data_prefix(settings)}{" ".join(words)})"'


def data_prefix(settings: Settings) -> str:
    """The assignment that a command needs to find a data folder which is not the usual one."""
    if settings.data == default_data().absolute():
        return ""
    return f"DOORWARD_DATA={quote(str(settings.data))} "


def token_line(settings: Settings, *words: str) -> str:
    """The line that calls `token` on the database of a server with these settings."""
    line = f"{data_prefix(settings)}{command()} token {' '.join(words)}"
    # The address itself has a password, which does not belong into a log.
    return f'{line} --database-url "$DOORWARD_DATABASE_URL"' if settings.database_url else line


def export(name: str, value: str) -> str:
    """A line of a POSIX shell that sets and exports a variable."""
    return f"export {name}={quote(value)}"
