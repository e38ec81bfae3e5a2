"""The cluster, PostgreSQL's own folder inside the data folder: made whole or not at all."""

import os
import pwd
import shutil
import subprocess
import tempfile
from pathlib import Path

from doorward.errors import StartError
from doorward.store.embedded.binaries import Binaries
from doorward.store.embedded.identity import DEDICATED_ID, Identity
from doorward.store.embedded.sockets import USER

_NAME = "postgres"
_NURSERY = "postgres.new-"
# The C library's locales differ from machine to machine. PostgreSQL 17 and later bring one of
# their own; for 16 the C library must have C.UTF-8, which sorts the same way.
_BUILTIN_LOCALE = ("--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C")
_LIBRARY_LOCALE = ("--locale=C.UTF-8", "--lc-messages=C")
# Trust, because the socket lies in a folder that its owner alone can enter, and there is no other.
_OPTIONS = (
    f"--username={USER}",
    "--encoding=UTF8",
    "--auth-local=trust",
    "--auth-host=reject",
    "--data-checksums",
    "--no-instructions",
)
# Nothing of the user's environment: PGPORT, PGDATA and LANG would all change what is started.
ENVIRONMENT = {"PATH": os.defpath, "LC_ALL": "C"}


def cluster_folder(data: Path) -> Path:
    """Where the cluster of the data folder `data` lies."""
    return data / _NAME


def check_cluster(data: Path, binaries: Binaries, identity: Identity) -> None:
    """Changes nothing.

    Raises:
        StartError: the cluster in `data` is another user's, or another major version's.
        OSError: it cannot be looked at.
    """
    cluster = cluster_folder(data)
    if cluster.exists():
        _check_owner(cluster, identity.owner)
        _check_version(cluster, binaries.major)


def prepare_cluster(data: Path, binaries: Binaries, identity: Identity) -> None:
    """Makes the cluster in `data` if there is none; gives the present one to `identity`.

    Raises:
        StartError: it cannot be made.
        OSError: the data folder cannot be written.
    """
    for leftover in data.glob(f"{_NURSERY}*"):
        shutil.rmtree(leftover, ignore_errors=True)
    cluster = cluster_folder(data)
    if not cluster.exists():
        _create(data, binaries, identity)
    _give(cluster, identity.owner)


def _create(data: Path, binaries: Binaries, identity: Identity) -> None:
    """Makes the cluster beside its place and moves it there: a kill leaves no half of it."""
    nursery = Path(tempfile.mkdtemp(prefix=_NURSERY, dir=data))
    try:
        made = nursery / _NAME
        _initialise(made, binaries, identity)
        _give(made, identity.owner)
        made.rename(cluster_folder(data))
        _sync_folder(data)
    finally:
        shutil.rmtree(nursery, ignore_errors=True)


def _initialise(target: Path, binaries: Binaries, identity: Identity) -> None:
    locale = _BUILTIN_LOCALE if binaries.major >= 17 else _LIBRARY_LOCALE
    done = subprocess.run(
        (*identity.setup, str(binaries.initdb), f"--pgdata={target}", *_OPTIONS, *locale),
        env=ENVIRONMENT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
        start_new_session=True,
    )
    if done.returncode != 0:
        raise StartError(
            f"PostgreSQL could not make its files in {target.parent.parent}: "
            f"{_reason(done.stderr)}; put that right or choose another folder with --data"
        )


def _reason(stderr: str) -> str:
    """The line that says why; initdb ends with lines about what it has removed."""
    lines = [line.strip() for line in stderr.splitlines() if line.strip()]
    telling = (
        line for line in lines if any(word in line for word in ("FATAL:", "PANIC:", "error:"))
    )
    return next(telling, lines[-1] if lines else "initdb said nothing")


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _check_version(cluster: Path, major: int) -> None:
    try:
        found = (cluster / "PG_VERSION").read_text().strip()
    except (FileNotFoundError, NotADirectoryError):
        raise StartError(
            f"{cluster} is no data folder of PostgreSQL; move it away or choose another with --data"
        ) from None
    if found != str(major):
        raise StartError(
            f"data folder {cluster.parent} was made by PostgreSQL {found} and this is {major}; "
            f"choose another with --data, or give a PostgreSQL {found} with --database-url"
        )


def _check_owner(cluster: Path, owner: int) -> None:
    present = cluster.stat().st_uid
    # Root has PostgreSQL run under one of two ids, and the way may have changed since.
    own = {0, DEDICATED_ID} if os.geteuid() == 0 else {owner}
    if present not in own:
        raise StartError(
            f"data folder {cluster.parent} belongs to {_user_name(present)}; "
            "start Doorward as that user or choose another with --data"
        )


def _give(cluster: Path, owner: int) -> None:
    """Changes the owner of everything; of the top folder last, because that says it is done."""
    if cluster.stat().st_uid == owner:
        return
    for folder, folders, files in os.walk(cluster, topdown=False):
        for name in (*folders, *files):
            os.chown(Path(folder, name), owner, owner, follow_symlinks=False)
    os.chown(cluster, owner, owner)


def _user_name(user: int) -> str:
    try:
        return f"user {pwd.getpwuid(user).pw_name}"
    except KeyError:
        return f"the user with the id {user}"
