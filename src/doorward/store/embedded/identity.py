"""Under whose user id PostgreSQL runs, and who owns its files."""

import enum
import os
import pwd
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from doorward.errors import StartError

# From the ids that neither Debian's policy ("reserved") nor systemd's list ("unused") gives to any
# user, and small enough for a container that has 65536 of them. No process but our PostgreSQL has
# it, so that nobody else may signal the server or read its files.
DEDICATED_ID = 65526
_BECOME = Path(__file__).with_name("become.py")


class RootMode(enum.Enum):
    """How PostgreSQL, which refuses to run as root, is run for root.

    Both leave programs and data where they are, and the permissions of every folder alone.
    """

    NAMESPACE = "namespace"
    """In a user namespace in which root has another number; the files stay root's."""
    USER = "user"
    """As the id 65526, with the one capability that lets it through folders only root may enter;
    the files of the cluster belong to that id. For systems that refuse namespaces, as containers
    do by default."""


@dataclass(frozen=True, slots=True)
class Identity:
    """Who PostgreSQL is to the rest of the system."""

    owner: int
    """User id that owns the cluster's files."""
    server: tuple[str, ...] = ()
    """What goes before the server's command line."""
    setup: tuple[str, ...] = ()
    """What goes before initdb's command line."""


def find_identity(forced: RootMode | None = None) -> Identity:
    """An ordinary user's own, or for root the first of the two modes that this system grants.

    `forced` lets root have that mode only.

    Raises:
        StartError: running as root, and neither is granted.
    """
    if os.geteuid() != 0:
        return Identity(os.geteuid())
    for mode in RootMode if forced is None else (forced,):
        if _is_granted(mode):
            return _MAKERS[mode]()
    raise StartError(
        "PostgreSQL does not run as root, and this system lets Doorward neither enter a user "
        "namespace nor change to another user; start Doorward as an ordinary user, or give the "
        "address of a PostgreSQL server with --database-url"
    )


def _is_granted(mode: RootMode) -> bool:
    trial = subprocess.run(
        _become(mode, DEDICATED_ID), capture_output=True, check=False, start_new_session=True
    )
    return trial.returncode == 0


def _become(mode: RootMode, user: int) -> tuple[str, ...]:
    # Isolated and without site packages: started in some 15 ms, and out of the environment's reach.
    return (sys.executable, "-I", "-S", str(_BECOME), mode.value, str(user))


def _named_user() -> int:
    # initdb ends if the system has no name for the user it runs as; the server does not ask.
    return next((user.pw_uid for user in pwd.getpwall() if user.pw_uid != 0), DEDICATED_ID)


def _in_namespace() -> Identity:
    named = _become(RootMode.NAMESPACE, _named_user())
    return Identity(owner=0, server=named, setup=named)


def _as_user() -> Identity:
    return Identity(
        owner=DEDICATED_ID,
        server=_become(RootMode.USER, DEDICATED_ID),
        setup=_become(RootMode.USER, _named_user()),
    )


_MAKERS: dict[RootMode, Callable[[], Identity]] = {
    RootMode.NAMESPACE: _in_namespace,
    RootMode.USER: _as_user,
}
