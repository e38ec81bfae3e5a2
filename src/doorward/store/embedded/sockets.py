"""The private folder of a cluster's socket: short, because a socket's path may have 107 bytes."""

import hashlib
import os
import stat
import tempfile
from contextlib import suppress
from pathlib import Path
from urllib.parse import quote, urlencode

from doorward.errors import StartError

PORT = 5432
USER = "doorward"
DATABASE = "postgres"
_SOCKET = f".s.PGSQL.{PORT}"
# sun_path has 108 bytes with the closing NUL on Linux and 104 on macOS.
_LONGEST = 103


def socket_folder(data: Path) -> Path:
    """Where the socket of the cluster in `data` goes; the same place every time.

    In the temp dir, not in XDG_RUNTIME_DIR: that is removed at logout, under a server that goes on.
    """
    digest = hashlib.sha256(os.fsencode(data)).hexdigest()[:12]
    name = f"doorward-{os.geteuid()}-{digest}"
    own = Path(tempfile.gettempdir()) / name
    is_short = len(os.fsencode(own / _SOCKET)) <= _LONGEST
    return own if is_short else Path("/tmp", name)  # noqa: S108 - verified when it is made


def make_socket_folder(folder: Path) -> None:
    """Makes the folder, without the socket that a killed server left in it.

    Raises:
        StartError: somebody else has put something in its place.
        OSError: it cannot be made.
    """
    with suppress(FileExistsError):
        folder.mkdir(mode=0o700)
    _verify(folder)
    _clear(folder)


def remove_socket_folder(folder: Path) -> None:
    """Removes the folder with what a killed server left in it."""
    with suppress(OSError):
        _clear(folder)
        folder.rmdir()


def dsn(folder: Path) -> str:
    """The address of the server with its socket in `folder`; the environment cannot change it."""
    where = urlencode({"host": str(folder), "port": PORT}, quote_via=quote, safe="/")
    return f"postgresql://{USER}@/{DATABASE}?{where}"


def _verify(folder: Path) -> None:
    """The temp dir is everybody's: a folder there may be a link or a trap laid by another user."""
    found = folder.lstat()
    if (
        not stat.S_ISDIR(found.st_mode)
        or found.st_uid != os.geteuid()
        or stat.S_IMODE(found.st_mode) & 0o077
    ):
        raise StartError(
            f"{folder} is not a folder that only this user can enter, so the socket of PostgreSQL "
            "is not safe there; remove it, or set TMPDIR to a private folder"
        )


def _clear(folder: Path) -> None:
    # PostgreSQL refuses to start over the lock file of a killed one whose pid is in use again.
    for name in (_SOCKET, f"{_SOCKET}.lock"):
        (folder / name).unlink(missing_ok=True)
