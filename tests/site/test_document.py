"""YAML that is none, or that could do harm."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from doorward.site import document
from doorward.site.document import read_document
from doorward.site.problems import Problems, SiteError


def _refusal(data: bytes) -> str:
    with pytest.raises(SiteError) as refusal:
        read_document(data, Problems("f"))
    return str(refusal.value)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "f:1: the file is empty"),
        (b"# nothing\n", "f:1: the file is empty"),
        (b"- a\n- b\n", "f:1: the file must be a mapping"),
        (b"text", "f:1: the file must be a mapping"),
        (b"a: 1\n---\nb: 2\n", "f:1: the file has more than one document"),
        (b"a: 1\nb: [\n", "f:3: this is no YAML"),
        (b"a: 'x", "f:1: this is no YAML"),
        (b"a: 1\n\tb: 2\n", "f:2: this is no YAML"),
        (b"a: 1\nb: c: d\n", "f:2: this is no YAML"),
        (b"a: 1\nb: \xff\n", "f:2: the file is not UTF-8"),
        (b"a: 1\nb: \x01\n", "f:2: a character that YAML does not allow"),
        (b"a: 1\nb: \xe2\x80\xa8 2\n", "f:2: a character that YAML takes for the end of a line"),
        (b"a: 1\n\rb: 2\n", "f:2: a character that YAML takes for the end of a line"),
        (b"a: &x 1\nb: *x\n", "f:1: anchors are not allowed"),
        (b"a: 1\nb: *x\n", "f:2: aliases are not allowed"),
        (b"a: !!python/object:os.system 1\n", "f:1: tags are not allowed"),
        (b"a: !!str 1\n", "f:1: tags are not allowed"),
        (b"a:\n  " + b"[" * 5_000, "f:2: more than 12 levels"),
        (b"a: " + b"{b: " * 5_000, "f:1: more than 12 levels"),
    ],
)
def test_is_refused(data: bytes, said: str) -> None:
    assert _refusal(data).startswith(said)


def test_a_bomb_of_aliases_is_refused_at_its_first_anchor() -> None:
    bomb = b"a: &a [x, x, x]\n" + b"".join(
        b"%c: &%c [*%c, *%c, *%c]\n" % (i, i, i - 1, i - 1, i - 1) for i in range(98, 122)
    )
    assert _refusal(bomb) == "f:1: anchors are not allowed"


def test_a_file_too_large_is_refused_unread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(document, "MAX_BYTES", 1024 * 1024)
    assert _refusal(b"#" * (1024 * 1024 + 1)) == "f:1: the file is larger than 1 MiB"


def test_lines_may_end_as_on_windows() -> None:
    assert list(read_document(b"a: 1\r\nb: 2\r\n", Problems("f")).nodes) == ["a", "b"]


def test_a_byte_order_mark_is_no_part_of_the_first_key() -> None:
    assert list(read_document(b"\xef\xbb\xbfa: 1\n", Problems("f")).nodes) == ["a"]


@given(st.binary(max_size=200))
def test_no_bytes_end_in_anything_but_an_answer(data: bytes) -> None:
    with suppress(SiteError):
        read_document(data, Problems("f"))
