"""The Seam command line with any call, learning the calls from the server that it talks to."""

import json
import os
import subprocess
import tempfile
from dataclasses import dataclass
from typing import Any

from tests.clients.calls import Target
from tests.clients.client import LIMIT, ClientMissingError
from tests.clients.conftest import give_up
from tests.clients.node_packages import node_program
from tests.clients.places import CHECKOUT, read_finding


@dataclass(frozen=True)
class Printed:
    """What a run printed: JSON on its standard output, and how it ended."""

    exit_code: int
    stdout: str
    stderr: str

    @property
    def answer(self) -> Any:
        """The answer that it shows."""
        return json.loads(self.stdout)


class SeamCli:
    """`seam … --remote-schema -y`, in a process with nothing inherited but the address."""

    def __init__(self, target: Target) -> None:
        self._target = target
        self._node = node_program()
        finding = read_finding(CHECKOUT, "node")
        if not finding.installed or self._node is None:
            raise ClientMissingError(finding.reason or "no Node in this environment")

    def run(self, *words: str) -> Printed:
        """Runs it to its end; raises TimeoutExpired after 60 s."""
        assert self._node is not None
        program = CHECKOUT.node / "node_modules" / ".bin" / "seam"
        with tempfile.TemporaryDirectory() as home:
            done = subprocess.run(
                # Anywhere before a word the flag would swallow that word.
                [program, *words, "--remote-schema", "-y"],
                env={
                    "PATH": f"{self._node.parent}{os.pathsep}{os.defpath}",
                    "HOME": home,
                    "SEAM_CLI_ENDPOINT": self._target.endpoint,
                    "SEAM_CLI_TOKEN": self._target.token,
                },
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=LIMIT,
                check=False,
            )
        return Printed(done.returncode, done.stdout, done.stderr)


def seam_cli(target: Target) -> SeamCli:
    """The command line; where it is missing the test is skipped, and under CI it fails."""
    try:
        return SeamCli(target)
    except ClientMissingError as error:
        give_up(f"cli: {error}")
