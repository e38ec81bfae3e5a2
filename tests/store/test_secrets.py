"""Seals open only where they were made for, and hashes find only what is the same."""

from pathlib import Path
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from doorward.errors import StartError
from doorward.store.secrets import Keyring

KEYS = Keyring(bytes(range(32)))


@given(st.binary(), st.binary())
def test_a_seal_opens_to_what_was_sealed(plain: bytes, context: bytes) -> None:
    sealed = KEYS.seal(plain, context)
    assert KEYS.open(sealed, context) == plain
    assert plain not in sealed or len(plain) < 4


@given(st.binary(), st.integers(min_value=0))
def test_a_changed_seal_does_not_open(plain: bytes, place: int) -> None:
    sealed = bytearray(KEYS.seal(plain, b"row"))
    sealed[place % len(sealed)] ^= 1
    with pytest.raises(ValueError, match="seal"):
        KEYS.open(bytes(sealed), b"row")


def test_a_seal_of_another_row_or_key_does_not_open() -> None:
    sealed = KEYS.seal(b"1234", b"row 1")
    for keys, context in ((KEYS, b"row 2"), (Keyring(bytes(32)), b"row 1")):
        with pytest.raises(ValueError, match="seal"):
            keys.open(sealed, context)


def test_a_look_up_differs_by_workspace_kind_and_value() -> None:
    one, two = uuid4(), uuid4()
    hashes = {
        KEYS.lookup(workspace, kind, value)
        for workspace in (one, two)
        for kind in ("card", "code")
        for value in (b"1", b"2", b"", b"1\0")
    }
    assert len(hashes) == 16
    assert KEYS.lookup(one, "card", b"1") == Keyring(bytes(range(32))).lookup(one, "card", b"1")


def test_the_key_file_is_made_once_and_for_its_owner_alone(tmp_path: Path) -> None:
    first = Keyring.load(tmp_path).derive("x")
    assert Keyring.load(tmp_path).derive("x") == first
    assert [p.name for p in tmp_path.iterdir()] == ["secret.key"]
    assert (tmp_path / "secret.key").stat().st_mode & 0o777 == 0o600
    (tmp_path / "secret.key").chmod(0o640)
    with pytest.raises(StartError, match="chmod 600"):
        Keyring.load(tmp_path)


@pytest.mark.parametrize("text", ["", "AAAA", "not base64!", "A" * 44, "ü" * 43])
def test_a_file_that_holds_no_key_is_refused(tmp_path: Path, text: str) -> None:
    file = tmp_path / "secret.key"
    file.write_text(text)
    file.chmod(0o600)
    with pytest.raises(StartError):
        Keyring.load(tmp_path)


def test_a_key_of_the_environment_needs_no_file(tmp_path: Path) -> None:
    assert Keyring.load(tmp_path, "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8").derive(
        "x"
    ) == KEYS.derive("x")
    assert not list(tmp_path.iterdir())
