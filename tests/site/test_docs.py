"""docs/site-file.md is held to the code: its example, what it prints, and its reference."""

import re
from pathlib import Path

import pytest

from doorward.site.problems import SiteError
from doorward.store.journal import Change
from doorward.store.memberships import ChangeMembership
from doorward.store.writer import Writer
from tests.conftest import MovableClock
from tests.site.conftest import Apply
from tests.site.files import parsed

DOC = (Path(__file__).parents[2] / "docs" / "site-file.md").read_text("utf-8")
EXAMPLE = re.findall(r"```yaml\n(.*?)```", DOC, re.DOTALL)[0]
PRINTED, INVALID = re.findall(r"```text\n(.*?)```", DOC, re.DOTALL)


def test_the_example_is_a_site() -> None:
    site = parsed(EXAMPLE)
    assert set(site.users) == {"anna", "bo", "cleaner"}
    assert len(site.credentials) == 4


async def test_what_the_example_prints(
    apply_text: Apply, writer: Writer, clock: MovableClock
) -> None:
    await apply_text(EXAMPLE)
    assert list((await apply_text(EXAMPLE)).lines()) == ["nothing to change"]
    site = parsed(EXAMPLE)
    workspace_id = site.workspace.workspace_id
    change = Change(workspace_id, "test", clock.now(workspace_id))
    group = site.access_groups["brewers"].acs_access_group_id
    anna = site.users["anna"].acs_user_id
    await writer.submit(ChangeMembership(change, False, group, anna))
    without = re.sub(r"  bo:\n(    .*\n)+", "", EXAMPLE)
    assert list((await apply_text(without)).lines()) == PRINTED.splitlines()


@pytest.mark.parametrize("line", INVALID.splitlines())
def test_what_it_says_of_an_invalid_file_is_what_is_said(line: str) -> None:
    """The reasons; the lines are those of a file that the page does not show."""
    text = (
        EXAMPLE.replace("name: Front door\n", "name: Front door\n    unlock_second: 1\n")
        .replace("groups: [staff, brewers]", "groups: [brewer]")
        .replace('"0815"', '"081"')
    )
    with pytest.raises(SiteError) as refusal:
        parsed(text)
    reasons = [each.partition(": ")[2] for each in str(refusal.value).splitlines()]
    assert line.partition(": ")[2] in reasons


def _documented(section: str) -> set[str]:
    """The keys that the reference names for a section."""
    table = re.search(rf"^\*\*{section}\*\*.*?\n\n(\|.*?)\n\n", DOC, re.DOTALL | re.MULTILINE)
    assert table, section
    first_cells = re.findall(r"^\| (`.*?) \|", table[1], re.MULTILINE)
    return {key for cell in first_cells for key in re.findall(r"`(\w+)`", cell)}


def _is_known(section: str, key: str) -> bool:
    """Whether a key may stand in a section; its value here is wrong for all of them."""
    inner = f"{{a: {{{key}: [[]]}}}}"
    text = {
        "workspace": f"workspace: {{{key}: [[]]}}",
        "credentials": f"users: {{a: {{credentials: {inner}}}}}",
    }.get(section, f"{section}: {inner}")
    with pytest.raises(SiteError) as refusal:
        parsed(text)
    return f"{key} is not a key" not in str(refusal.value)


SECTIONS = ["workspace", "systems", "controllers", "entrances", "encoders", "access_groups"]
SECTIONS += ["identities", "users", "credentials", "tokens"]


@pytest.mark.parametrize("section", SECTIONS)
def test_the_reference_names_the_keys_that_are_known(section: str) -> None:
    everywhere = set().union(*map(_documented, SECTIONS))
    known = {key for key in everywhere if _is_known(section, key)}
    documented = _documented(section)
    # The entrances' row on readers names the keys of these, too.
    assert known == documented - ({"direction", "driver"} if section == "entrances" else set())
