"""Drivers are found by entry point."""

from pathlib import Path

import pytest

from doorward.doors.drivers import installed_drivers

_CODE = """
class Driver:
    def attach(self, port): ...
"""


def test_the_driver_of_another_package_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "acme_readers.py").write_text(_CODE)
    info = tmp_path / "acme_readers-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: acme-readers\nVersion: 1\n")
    (info / "entry_points.txt").write_text("[doorward.drivers]\nacme = acme_readers:Driver\n")
    monkeypatch.syspath_prepend(tmp_path)
    drivers = installed_drivers()
    assert type(drivers["acme"]).__module__ == "acme_readers"


def test_the_virtual_driver_is_installed() -> None:
    assert type(installed_drivers()["virtual"]).__name__ == "VirtualDriver"
