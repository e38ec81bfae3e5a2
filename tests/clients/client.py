"""An official client: the real one in a process of its own, or its exact request replayed."""

import os
import subprocess
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from tests.clients.calls import Member, Outcome, Target
from tests.clients.replays import send

LIMIT = 60.0


class ClientMissingError(Exception):
    """The client is not here and is not to be replayed; the text says why."""


class Client(Protocol):
    """An official client: `real`, or replayed for `reason`."""

    @property
    def name(self) -> str:
        """One of NAMES."""

    @property
    def real(self) -> bool:
        """Whether the client itself runs."""

    @property
    def reason(self) -> str:
        """Why it is replayed; empty for a real one."""

    @property
    def documented_answer(self) -> str:
        """What the documentation shows as this client's answer to a call without a result."""

    @property
    def takes_personal_tokens(self) -> bool:
        """Whether the client can name the workspace that a personal access token needs."""

    def remove_from_access_group(self, target: Target, member: Member) -> Outcome:
        """Makes the call of the documentation.

        Raises ValueError for a personal access token where the client takes none.
        """


def _check_token(client: Client, target: Target) -> None:
    if target.workspace_id is not None and not client.takes_personal_tokens:
        raise ValueError(f"{client.name} can't name the workspace of a personal access token")


@dataclass(frozen=True)
class Run:
    """How to start a client: the command, its environment and its working directory."""

    command: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict)
    folder: Path | None = None


@dataclass(frozen=True)
class RealClient:
    """A client that is installed here."""

    name: str
    documented_answer: str
    prepare: Callable[[Target, Member], Run]
    takes_personal_tokens: bool = True
    real: bool = True
    reason: str = ""

    def remove_from_access_group(self, target: Target, member: Member) -> Outcome:
        """Runs the client to its end; raises TimeoutExpired after 60 s."""
        _check_token(self, target)
        run = self.prepare(target, member)
        with tempfile.TemporaryDirectory() as home:
            done = subprocess.run(
                run.command,
                env={"PATH": os.environ.get("PATH", os.defpath), "HOME": home, **run.environment},
                cwd=run.folder,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=LIMIT,
                check=False,
            )
        return _outcome(done.returncode, done.stdout.decode(), done.stderr.decode())


def _outcome(exit_code: int, stdout: str, stderr: str) -> Outcome:
    if not stdout.startswith("HTTP/"):
        return Outcome(exit_code == 0, exit_code, stdout.strip(), stdout, stderr)
    head, _, body = stdout.partition("\r\n\r\n")
    succeeded = head.split(" ")[1].startswith("2")
    return Outcome(exit_code == 0 and succeeded, exit_code, body.strip(), stdout, stderr)


@dataclass(frozen=True)
class ReplayedClient:
    """The exact request of a client that is not here; its answer is the server's text."""

    name: str
    reason: str
    request: Callable[[Target, Member], bytes]
    documented_answer: str = "{}"
    takes_personal_tokens: bool = True
    real: bool = False

    def remove_from_access_group(self, target: Target, member: Member) -> Outcome:
        """Sends the request; raises OSError where no server answers."""
        _check_token(self, target)
        reply = send(target, self.request(target, member))
        ok = 200 <= reply.status < 300
        return Outcome(ok, 0 if ok else 1, reply.body.strip(), reply.body, f"[{reply.status}]")
