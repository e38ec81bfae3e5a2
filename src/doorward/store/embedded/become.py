"""Runs one program under another identity. A script of its own: it imports nothing of Doorward.

    python -I -S become.py namespace ID [PROGRAM ARGUMENT…]
    python -I -S become.py user ID [PROGRAM ARGUMENT…]

PostgreSQL refuses to run with the effective user id 0. `namespace` enters a user namespace in which
the present user is called ID: the same rights over files, another number. `user` becomes user ID
and keeps of root's capabilities only the one that reaches files in closed folders. Without a
program it only tries. Exit code 126 and one line on standard error where the system refuses.
"""

import ctypes
import os
import sys
from pathlib import Path

# Numbers of the Linux system calls: linux/sched.h, linux/prctl.h, linux/capability.h.
_CLONE_NEWUSER = 0x10000000
_PR_SET_KEEPCAPS = 8
_PR_CAP_AMBIENT = 47
_PR_CAP_AMBIENT_RAISE = 2
_CAPABILITY_VERSION_3 = 0x20080522
_CAP_DAC_OVERRIDE = 1
_REFUSED = 126


class _Header(ctypes.Structure):
    _fields_ = (("version", ctypes.c_uint32), ("pid", ctypes.c_int))


class _Capabilities(ctypes.Structure):
    _fields_ = (
        ("effective", ctypes.c_uint32),
        ("permitted", ctypes.c_uint32),
        ("inheritable", ctypes.c_uint32),
    )


def _call(name: str, *arguments: object) -> None:
    """Calls a function of the C library that answers 0 for success and sets errno otherwise."""
    if getattr(ctypes.CDLL(None, use_errno=True), name)(*arguments):
        code = ctypes.get_errno()
        raise OSError(code, f"{name}: {os.strerror(code)}")


def _enter_namespace(inner: int) -> None:
    user, group = os.geteuid(), os.getegid()
    _call("unshare", _CLONE_NEWUSER)
    own = Path("/proc/self")
    # The kernel takes a map of groups from an unprivileged process only after this.
    (own / "setgroups").write_text("deny")
    (own / "uid_map").write_text(f"{inner} {user} 1")
    (own / "gid_map").write_text(f"{inner} {group} 1")


def _prctl(option: int, *arguments: int) -> None:
    words = [ctypes.c_ulong(value) for value in (*arguments, 0, 0, 0, 0)[:4]]
    _call("prctl", ctypes.c_int(option), *words)


def _keep_file_access() -> None:
    """Gives the present user, and the programs it starts, CAP_DAC_OVERRIDE and nothing else."""
    mask = 1 << _CAP_DAC_OVERRIDE
    header = _Header(_CAPABILITY_VERSION_3, 0)
    sets = (_Capabilities * 2)(_Capabilities(mask, mask, mask))
    _call("capset", ctypes.byref(header), ctypes.byref(sets))
    _prctl(_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_RAISE, _CAP_DAC_OVERRIDE)


def _become_user(user: int) -> None:
    is_linux = sys.platform == "linux"
    if is_linux:
        _prctl(_PR_SET_KEEPCAPS, 1)
    os.setgroups([])
    os.setgid(user)
    os.setuid(user)
    if is_linux:
        _keep_file_access()


def main(arguments: list[str]) -> int:
    """Changes the identity and, where a program is given, becomes that program."""
    way, identity, *program = arguments
    try:
        (_enter_namespace if way == "namespace" else _become_user)(int(identity))
        if program:
            os.execv(program[0], program)  # noqa: S606 - no shell is wanted
    except OSError as error:
        sys.stderr.write(f"FATAL:  cannot run PostgreSQL as another user: {error}\n")
        return _REFUSED
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
