"""The built wheel, installed alone in an empty environment, serves. The Containerfile takes the
same steps.
"""

import os
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from tests.running import API_KEY, USER, clean_environment, free_port

ROOT = Path(__file__).parent.parent
WHEELS = ROOT / ".cache" / "wheels"


@pytest.mark.slow
@pytest.mark.skipif(
    not WHEELS.is_dir(), reason="no kept wheels: this environment was not made by make"
)
def test_the_wheel_alone_serves(tmp_path: Path) -> None:
    target = tmp_path / "installed"
    base = Path(sys._base_executable)  # type: ignore[attr-defined]
    subprocess.run(
        ["sh", str(ROOT / "tools" / "install-wheel.sh"), str(target), "offline"],
        env={"PATH": f"{target}/bin:{os.defpath}", "PYTHON": str(base), "HOME": str(tmp_path)},
        check=True,
        timeout=240,
    )
    installed = subprocess.run(
        [target / "bin" / "python", "-m", "pip", "list", "--format=freeze"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert "pytest" not in installed
    port = free_port()
    arguments = ["serve", "--port", str(port), "--data", str(tmp_path / "data")]
    with subprocess.Popen(
        [target / "bin" / "doorward", *arguments],
        stdout=subprocess.PIPE,
        text=True,
        cwd=tmp_path,
        env={"PATH": os.defpath} | {k: v for k, v in clean_environment().items() if k == "HOME"},
    ) as server:
        try:
            assert server.stdout is not None
            assert f"http://127.0.0.1:{port}" in server.stdout.readline()
            answer = httpx.post(
                f"http://127.0.0.1:{port}/acs/users/get",
                headers={"authorization": f"Bearer {API_KEY}"},
                json={"acs_user_id": USER},
            )
            assert answer.json()["acs_user"]["acs_user_id"] == USER
        finally:
            server.terminate()
            assert server.wait(30) == 0


def test_the_container_takes_the_same_steps() -> None:
    text = (ROOT / "Containerfile").read_text()
    assert "RUN sh tools/install-wheel.sh /opt/doorward\n" in text
