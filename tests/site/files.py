"""A site file for tests, and what tests do with one."""

from doorward.site.model import Site
from doorward.site.parse import parse_site

OFFICE = """\
workspace:
  name: Works
  is_sandbox: true
systems:
  main: {name: Main building, time_zone: Europe/Berlin}
controllers:
  panel: {name: Panel}
  annex-panel: {name: Panel in the annex}
entrances:
  gate:
    name: Gate
    controller: panel
    readers:
      outside: {direction: entry}
      inside: {direction: exit}
  lab:
    name: Lab
    controller: panel
    readers: {outside: {}}
access_groups:
  staff: {name: Staff, entrances: [gate]}
  chemists: {name: Chemists, entrances: [gate, lab]}
identities:
  anna: {name: Anna Berg, email: anna@example.com, phone: "+4930123456"}
users:
  anna:
    identity: anna
    groups: [staff, chemists]
    credentials:
      badge: {card: 42-12345}
      pin: {code: "0815"}
  bo:
    name: Bo Ek
    email: bo@example.com
    groups: [staff]
    credentials:
      badge: {card: "04:A2:2B:11", entrances: [lab]}
tokens:
  key: {kind: api_key, text: seam_testWorks_abcdefghijklmnopqrstuvwx}
"""

TWO_SYSTEMS = """\
workspace: {name: Two}
systems:
  north: {name: North, time_zone: UTC}
  south: {name: South, time_zone: UTC}
controllers:
  n: {name: N, system: north}
  s: {name: S, system: south}
entrances:
  north-door: {name: North door, controller: n}
  south-door: {name: South door, controller: s}
access_groups:
  northern: {name: Northern, system: north, entrances: [north-door]}
  southern: {name: Southern, system: south, entrances: [south-door]}
users:
  nora: {name: Nora, system: north, groups: [northern], credentials: {pin: {code: "1111"}}}
  sven: {name: Sven, system: south, groups: [southern], credentials: {pin: {code: "1111"}}}
"""


def edited(*edits: tuple[str, str], text: str = OFFICE) -> str:
    """The file with each first text, which must stand there once, replaced by the second."""
    for old, new in edits:
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    return text


def parsed(text: str = OFFICE) -> Site:
    """The site of a file's text."""
    return parse_site("site.yaml", text.encode())


def people(number: int) -> str:
    """A file with so many people, each with a card and in one group."""
    head = OFFICE[: OFFICE.index("identities:")]
    users = (
        f"  p{i}: {{name: Person {i}, email: p{i}@example.com, groups: [staff],"
        f" credentials: {{badge: {{card: {i >> 16}-{i & 0xFFFF}}}}}}}\n"
        for i in range(number)
    )
    return f"{head}users:\n{''.join(users)}"
