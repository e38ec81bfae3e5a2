"""Whatever is done to a site file, it ends in a site or in lines that say what is wrong."""

import re

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from doorward.errors import StartError
from doorward.site.model import Site
from doorward.site.parse import parse_site
from doorward.site.problems import SiteError
from doorward.site.sandbox import load_sandbox
from doorward.store.database import Database
from tests.site.conftest import Apply
from tests.site.files import OFFICE, TWO_SYSTEMS
from tests.site.tables import check_facts, digest

# What people and editors do to YAML, and what reads as something else than it looks.
SNIPPETS = st.sampled_from(
    [
        *(
            ":",
            ": ",
            "-",
            "- ",
            "[",
            "]",
            "{",
            "}",
            "{}",
            "[]",
            '"',
            "'",
            "#",
            "&a ",
            "*a",
            "!!str ",
        ),
        *("|", ">", "? ", "<<: ", "---", "...", "%", "\\", "", " ", "  ", "\n", "\n  ", "\t", "\0"),
        *("~", "null", "true", "no", "0815", "1e9", "1:30", "2026-01-31", "-1", "999999999999"),
        *(
            "anna",
            "bo",
            "staff",
            "gate",
            "lab",
            "badge",
            "card:",
            "code:",
            "id:",
            "4711",
            "42-12345",
        ),
        *("\u2028", "\ufeff", "é", "\ud7ff", "💡"),
    ]
)
PIECES = re.compile(r"\w+|\s+|[^\w\s]")


@st.composite
def mutated(draw: st.DrawFn, text: str = OFFICE, most: int = 5) -> str:
    """A file with a few of its pieces taken out, doubled, swapped or overwritten."""
    pieces = PIECES.findall(text)
    for _ in range(draw(st.integers(1, most))):
        place = draw(st.integers(0, len(pieces) - 1))
        other = draw(st.integers(0, len(pieces) - 1))
        match draw(st.integers(0, 4)):
            case 0:
                pieces[place] = ""
            case 1:
                pieces[place] *= 2
            case 2:
                pieces[place], pieces[other] = pieces[other], pieces[place]
            case 3:
                pieces[place] = draw(SNIPPETS)
            case _:
                pieces.insert(place, draw(SNIPPETS))
    return "".join(pieces)


def _outcome(data: bytes) -> Site | SiteError:
    try:
        return parse_site("site.yaml", data)
    except SiteError as refusal:
        return refusal


@settings(max_examples=600, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(mutated() | mutated(TWO_SYSTEMS))
def test_a_mutated_file_is_a_site_or_refused_with_lines(text: str) -> None:
    data = text.encode()
    outcome = _outcome(data)
    if isinstance(outcome, SiteError):
        last = data.count(b"\n") + 1
        for line in str(outcome).splitlines():
            place = re.match(r"site\.yaml:(\d+): \S", line)
            assert place, line
            assert 1 <= int(place[1]) <= last
    else:
        assert _outcome(data) == outcome


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_no_two_objects_of_a_site_share_an_id(data: st.DataObject) -> None:
    outcome = _outcome(data.draw(mutated()).encode())
    site = load_sandbox() if isinstance(outcome, SiteError) else outcome
    ids = [site.workspace.workspace_id]
    ids += [each.acs_system_id for each in site.systems.values()]
    ids += [each.acs_entrance_id for each in site.entrances.values()]
    ids += [each.acs_access_group_id for each in site.access_groups.values()]
    ids += [each.acs_user_id for each in site.users.values()]
    ids += [each.acs_credential_id for each in site.credentials.values()]
    assert len(set(ids)) == len(ids)


@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(text=mutated(most=2), grant_again=st.booleans(), prune=st.booleans())
async def test_a_mutated_file_is_applied_once_or_changes_nothing(
    database: Database, apply_text: Apply, text: str, *, grant_again: bool, prune: bool
) -> None:
    """The database goes from file to file; after each, one more apply finds nothing to do."""
    await apply_text()
    before = await digest(database)
    try:
        await apply_text(text, grant_again=grant_again, prune=prune)
    except StartError:
        assert await digest(database) == before
    else:
        assert not (await apply_text(text, grant_again=grant_again, prune=prune)).has_changes
    await check_facts(database)
    await apply_text(grant_again=True, prune=True)
    assert (await apply_text()).summary() == "nothing to change"
