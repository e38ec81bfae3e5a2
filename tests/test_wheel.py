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
from tests.testing.suites import EXAMPLES, run

ROOT = Path(__file__).parent.parent
WHEELS = ROOT / ".cache" / "wheels"


FROM_WHEELS = pytest.mark.skipif(
    not WHEELS.is_dir(), reason="no kept wheels: this environment was not made by make"
)


def _install(folder: Path) -> Path:
    """Builds the wheel and installs it with what it needs, without a network."""
    target = folder / "installed"
    base = Path(sys._base_executable)  # type: ignore[attr-defined]
    subprocess.run(
        ["sh", str(ROOT / "tools" / "install-wheel.sh"), str(target), "offline"],
        env={"PATH": f"{target}/bin:{os.defpath}", "PYTHON": str(base), "HOME": str(folder)},
        check=True,
        timeout=240,
    )
    return target


@pytest.mark.slow
@FROM_WHEELS
def test_the_wheel_alone_serves(tmp_path: Path) -> None:
    target = _install(tmp_path)
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


@pytest.mark.slow
@FROM_WHEELS
def test_the_wheel_brings_the_pytest_plugin(tmp_path: Path) -> None:
    python = _install(tmp_path) / "bin" / "python"
    extra = ("--quiet", "--no-index", "--find-links", str(WHEELS), "doorward[testing]")
    subprocess.run([python, "-m", "pip", "install", *extra], check=True, timeout=120)
    suite = tmp_path / "suite"
    suite.mkdir()
    (suite / "test_offboarding.py").write_text(EXAMPLES["test_offboarding.py"], "utf-8")
    # Isolated: neither this checkout nor what else is installed here may help.
    done = run(suite, "--strict-markers", python=(str(python), "-I"))
    assert "1 passed" in done.stdout, done.stdout


def test_the_container_takes_the_same_steps() -> None:
    text = (ROOT / "Containerfile").read_text()
    assert "RUN sh tools/install-wheel.sh /opt/doorward\n" in text
