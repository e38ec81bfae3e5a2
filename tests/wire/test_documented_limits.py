"""What docs/operating.md says of limits is what holds where nobody has set another."""

import re
from pathlib import Path

import pytest

from doorward import settings
from doorward.wire import app
from doorward.wire.body import BODY_LIMIT, SMALL_BODY
from doorward.wire.http.limits import Limits

DOCUMENT = Path(__file__).parents[2] / "docs" / "operating.md"
EDGE = Limits()
KIB = 1024
# By the first words of a row: all that its second cell counts.
EXPECTED = {
    "path and query": [EDGE.url // KIB],
    "headers": [EDGE.headers // KIB, EDGE.header_count],
    "a body": [BODY_LIMIT // KIB**2],
    "time for the headers": [EDGE.head_seconds],
    "time for the body": [EDGE.body_seconds],
    "time without a request": [EDGE.idle_seconds],
    "time to take an answer": [EDGE.answer_seconds],
    "time for a TLS handshake": [EDGE.handshake_seconds],
    "requests sent without": [EDGE.pipelined],
    "open connections": [EDGE.connections],
    "`--rate-limit`": [settings.DEFAULT_RATE_LIMIT, 0],
    "`--in-flight`": [settings.DEFAULT_IN_FLIGHT],
    "`--deadline`": [settings.DEFAULT_DEADLINE],
}


def section(title: str) -> str:
    return DOCUMENT.read_text().partition(f"\n## {title}\n")[2].partition("\n## ")[0]


def rows() -> dict[str, str]:
    found: dict[str, str] = {}
    for title in ("Limits", "Limits and overload"):
        table = re.findall(r"^\| (.+?) \| (.+?) \|", section(title), re.MULTILINE)
        found |= dict(table[1:])
    return found


def test_every_row_is_known() -> None:
    assert len(rows()) == len(EXPECTED)


@pytest.mark.parametrize("start", EXPECTED)
def test_a_row_tells_the_limit_that_holds(start: str) -> None:
    [told] = [cell for name, cell in rows().items() if re.match(rf"{re.escape(start)}(\W|$)", name)]
    assert [float(number) for number in re.findall(r"\d+", told)] == EXPECTED[start]


def test_the_sentences_tell_the_limits_that_hold() -> None:
    text = " ".join(section("Limits").split())
    assert f"another {EDGE.reserve} are taken" in text
    assert f"within {EDGE.reserve_seconds} seconds" in text
    text = " ".join(section("Limits and overload").split())
    assert f"`--connections` times {SMALL_BODY // KIB} KiB" in text


def test_what_no_operator_sees_is_of_a_size_that_protects() -> None:
    assert BODY_LIMIT <= EDGE.drain <= 16 * BODY_LIMIT
    assert 0 < EDGE.linger_seconds <= 5


def test_the_settings_defaults_are_the_wires() -> None:
    assert EDGE.connections == settings.DEFAULT_CONNECTIONS
    limits = app.Limits()
    assert (limits.in_flight, limits.deadline) == (
        settings.DEFAULT_IN_FLIGHT,
        settings.DEFAULT_DEADLINE,
    )
