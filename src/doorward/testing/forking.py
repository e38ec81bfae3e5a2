"""Servers forked from a warm interpreter.

A fork costs no imports: a server is ready in a fraction of the time that `doorward serve` needs for
loading itself. No thread and no event loop may run in the process that is forked.
"""

import os
import select
import signal
import sys
import time
import traceback
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Thread
from typing import Final

from doorward.errors import StartError
from doorward.server import serve
from doorward.settings import Settings

# Seconds that a server may take until it answers, and until it has stopped.
_START: Final = 60
_STOP: Final = 30

# Open at its writing end for as long as the parent lives, however that ends.
_LIFE: Final = os.pipe()


@dataclass(slots=True)
class Run:
    """A server of one test: its settings, and its process while it runs."""

    settings: Settings
    database: str
    log: Path
    pid: int | None = None


def fork(run: Run) -> None:
    """Starts a server in a process of its own. Raises StartError with what it said."""
    told, tell = os.pipe()
    log = os.open(run.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    run.pid = os.fork()
    if run.pid == 0:
        _serve(run.settings, log, tell)
    os.close(tell)
    os.close(log)
    with os.fdopen(told, "rb") as ready:
        answered, _, _ = select.select([ready], [], [], _START)
        port = ready.read() if answered else b""
    if not port:
        end(run, signal.SIGKILL)
        raise StartError(f"the server did not start:\n{run.log.read_text(errors='replace')}")
    run.settings = replace(run.settings, port=int(port))


def _serve(settings: Settings, log: int, tell: int) -> None:
    """The whole life of a forked server."""
    code = 1
    try:
        os.dup2(log, 1)
        os.dup2(log, 2)
        os.dup2(_LIFE[0], 0)
        os.dup2(tell, 3)
        # Nothing else that the parent has open is the server's, least of all the parent's life.
        os.closerange(4, 1024)
        Thread(target=_end_with_parent, daemon=True).start()
        serve(settings, on_ready=lambda ready: _say_ready(ready.endpoint))
        code = 0
    except StartError as refusal:
        print(refusal, file=sys.stderr)
    except BaseException:  # noqa: BLE001 - told to the log, which is shown
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(code)


def _say_ready(endpoint: str) -> None:
    os.write(3, endpoint.rpartition(":")[2].encode())
    os.close(3)


def _end_with_parent() -> None:
    os.read(0, 1)
    os._exit(1)


def is_running(run: Run) -> bool:
    """Whether the process is there; one that has ended by itself is put away."""
    if run.pid is not None and os.waitpid(run.pid, os.WNOHANG)[0] == run.pid:
        run.pid = None
    return run.pid is not None


def end(run: Run, number: signal.Signals) -> None:
    """Ends a server by a signal, and waits until it is gone."""
    if not is_running(run):
        return
    pid, deadline = run.pid or 0, time.monotonic() + _STOP
    os.kill(pid, number)
    while is_running(run):
        if time.monotonic() > deadline:
            # A server that does not stop is a fault of ours, and must not stop the tests.
            os.kill(pid, signal.SIGKILL)
        time.sleep(0.002)
