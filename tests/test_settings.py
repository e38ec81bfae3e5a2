"""Settings from options, from the environment, and those that cannot be."""

import os
from pathlib import Path
from typing import Any

import pytest

from doorward.errors import StartError
from doorward.settings import Settings, load


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in os.environ:
        if name.startswith("DOORWARD_"):
            monkeypatch.delenv(name)


def test_the_defaults(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    expected = Settings("127.0.0.1", 8765, tmp_path / "doorward", None, None)
    assert load() == expected
    assert expected.endpoint == "http://127.0.0.1:8765"


@pytest.mark.parametrize(
    ("name", "variable", "expected"),
    [
        ("host", "::1", "::1"),
        ("port", "99", 99),
        ("site", "site.yaml", Path("site.yaml")),
        ("insecure_http", "1", True),
        ("insecure_http", "YES", True),
        ("insecure_http", "no", False),
        ("proxy", "10.0.0.1, 10.1.0.0/16,", ("10.0.0.1", "10.1.0.0/16")),
        ("rate_limit", "0", 0.0),
        ("rate_limit", "2.5", 2.5),
        ("in_flight", "7", 7),
        ("connections", "8", 8),
        ("deadline", "1.5", 1.5),
        ("log", "json", "json"),
    ],
)
def test_the_environment(
    monkeypatch: pytest.MonkeyPatch, name: str, variable: str, expected: Any
) -> None:
    monkeypatch.setenv(f"DOORWARD_{name.upper()}", variable)
    assert getattr(load(), name) == expected


@pytest.mark.parametrize(
    ("name", "variable", "option", "expected"),
    [
        ("insecure_http", "yes", False, False),
        ("proxy", "10.0.0.1", "10.0.0.2", ("10.0.0.2",)),
        ("rate_limit", "5", 0.0, 0.0),
        ("in_flight", "5", 6, 6),
        ("log", "json", "console", "console"),
    ],
)
def test_an_option_comes_first(
    monkeypatch: pytest.MonkeyPatch, name: str, variable: str, option: Any, expected: Any
) -> None:
    monkeypatch.setenv(f"DOORWARD_{name.upper()}", variable)
    given: dict[str, Any] = {name: option}
    assert getattr(load(**given), name) == expected


@pytest.mark.parametrize(
    ("name", "variable"),
    [
        ("insecure_http", "perhaps"),
        ("rate_limit", "many"),
        ("rate_limit", "-1"),
        ("rate_limit", "nan"),
        ("in_flight", "0"),
        ("in_flight", "1.5"),
        ("connections", "inf"),
        ("deadline", "0"),
        ("log", "xml"),
        ("tls_cert", "server.pem"),
        ("tls_key", "server.key"),
    ],
)
def test_values_that_cannot_be(monkeypatch: pytest.MonkeyPatch, name: str, variable: str) -> None:
    monkeypatch.setenv(f"DOORWARD_{name.upper()}", variable)
    with pytest.raises(StartError) as refused:
        load()
    assert name.replace("_", "-") in str(refused.value).lower().replace("_", "-")


def test_a_certificate_makes_it_https(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOORWARD_TLS_KEY", "server.key")
    settings = load(tls_cert=Path("server.pem"), host="::")
    assert settings.tls_cert == Path("server.pem").absolute()
    assert settings.tls_key == Path("server.key").absolute()
    assert settings.endpoint == "https://[::1]:8765"
