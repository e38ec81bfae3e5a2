"""Runs installers: limited in time, without input, and telling what failed in one line."""

import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path


def output(command: Sequence[str]) -> str:
    """What a quick program prints; nothing when there is no such program or it fails."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=True)
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout


def run(
    command: Sequence[str],
    limit: float,
    *,
    folder: Path | None = None,
    env: Mapping[str, str] | None = None,
) -> str:
    """Runs a program for at most `limit` seconds; what failed in one line, or an empty text."""
    process = subprocess.Popen(
        command,
        cwd=folder,
        env=env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        # A group of its own, so that what the program starts ends with it.
        start_new_session=True,
    )
    with process:
        try:
            printed, _ = process.communicate(timeout=limit)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            return f"not done after {limit:g} s"
        except BaseException:
            os.killpg(process.pid, signal.SIGKILL)
            raise
    return "" if process.returncode == 0 else _cause(printed, process.returncode)


def _cause(printed: str, returncode: int) -> str:
    lines = [line.strip() for line in printed.splitlines() if line.strip()]
    telling = [line for line in lines if "error" in line.lower()]
    return (telling or lines[-1:] or [f"exit code {returncode}"])[0][:200]
