"""Renews what the README shows of a running sandbox, from the real thing: `make readme`.

Writes the text between the README's marks, and the picture docs/doors.svg.
"""

import asyncio
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[0] = str(ROOT)

from tests.running import API_KEY, GROUP, USER, RunningServer, clean_environment  # noqa: E402

from doorward.cli.doors_view import DoorsView  # noqa: E402
from doorward.cli.http import connect  # noqa: E402

IDS = ("--acs_user_id", USER, "--acs_access_group_id", GROUP)
SCRIPT = (
    ("allow", ("present", "--entrance", "Server room", "--card", "42-10001")),
    ("remove", ("api", "acs", "users", "remove-from-access-group", *IDS)),
    ("deny", ("present", "--entrance", "Server room", "--card", "42-10001")),
    ("explain", ("explain", "--user", "jane@example.com", "--entrance", "Server room")),
    ("doors", ("doors", "--once")),
)


async def _picture() -> None:
    """A card is refused at the server room, and opens the front door."""
    async with connect() as client:
        view = DoorsView(client)
        async with view.run_test(size=(130, 16)) as pilot:
            for entrance in (4, 0):
                await pilot.pause(1)
                await pilot.press(*["up"] * 5, *["down"] * entrance, "p")
                await pilot.pause(1)
                await pilot.press(*"jane")
                await pilot.pause(0.5)
                await pilot.press("enter")
            await pilot.pause(1.5)
            svg = view.export_screenshot(title="doorward doors")
    # The picture brings no font of its own from somewhere else.
    svg = re.sub(r"@font-face \{.*?\}\s*", "", svg, flags=re.DOTALL)
    svg = svg.replace("Fira Code", "ui-monospace").replace("Generated with Rich ", "")
    svg = re.sub(r"<!--.*?-->", "", re.sub(r"127\.0\.0\.1:\d+", "127.0.0.1:8765", svg))
    (ROOT / "docs" / "doors.svg").write_text(svg)


def _told(server: RunningServer) -> dict[str, str]:
    environment = clean_environment(SEAM_ENDPOINT=server.endpoint, SEAM_API_KEY=API_KEY)
    told = {}
    for name, arguments in SCRIPT:
        if name == "doors":
            time.sleep(6)  # until the door that was opened has locked again
        done = subprocess.run(
            [sys.executable, "-m", "doorward", *arguments],
            capture_output=True,
            text=True,
            check=False,
            env=environment,
        )
        told[name] = done.stdout.rstrip().replace(server.endpoint, "http://127.0.0.1:8765")
    return told


def main() -> None:
    """Starts a sandbox, plays the demonstration, and writes down what it said."""
    with tempfile.TemporaryDirectory() as folder:
        server = RunningServer(Path(folder) / "data").start()
        try:
            os.environ |= {"SEAM_ENDPOINT": server.endpoint, "SEAM_API_KEY": API_KEY}
            told = _told(server)
            asyncio.run(_picture())
        finally:
            server.stop()
    readme = ROOT / "README.md"
    text = readme.read_text()
    for name, output in told.items():
        text = re.sub(
            rf"(<!-- {name} -->\n```console\n\$ (?:[^\n]*\\\n)*[^\n]*\n).*?(```)",
            lambda found, output=output: f"{found[1]}{output}\n{found[2]}",  # type: ignore[misc]
            text,
            flags=re.DOTALL,
        )
    readme.write_text(text)


if __name__ == "__main__":
    main()
