"""Which tests send which parameters, and which parameters no test of behaviour sends."""

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

from msgspec.inspect import LiteralType, Metadata

from doorward.api.table import ROUTES
from doorward.wire.parameters import Parameters
from doorward.wire.readers import Field

# Kept after a run of everything: {"/path parameter": {test: seconds}}.
KEPT: Final = Path(__file__).resolve().parents[2] / ".cache" / "sent.json"
# These send whatever there is to every call, and do not look what a parameter does.
WALKS: Final = (
    "tests/clients/test_recorded.py",
    "tests/contract/test_errors.py",
    "tests/contract/test_schemathesis.py",
    "tests/fuzz/",
    "tests/plans/",
    "tests/properties/",
    "tests/recording/",
    "tests/wire/",
)


class Sent:
    """The tests of behaviour that send each parameter, by "/path parameter"."""

    def __init__(self) -> None:
        self.tests: defaultdict[str, set[str]] = defaultdict(set)

    def note(self, test: str, path: str, names: Iterable[str]) -> None:
        """A test has sent these parameters."""
        if not test.startswith(WALKS):
            for name in names:
                self.tests[f"{path} {name}"].add(test)

    def add(self, others: Mapping[str, Iterable[str]]) -> None:
        """What another process has seen."""
        for parameter, tests in others.items():
            self.tests[parameter].update(tests)

    def plain(self) -> dict[str, list[str]]:
        """As JSON has it."""
        return {parameter: sorted(tests) for parameter, tests in self.tests.items()}

    def missing(self) -> list[str]:
        """The parameters of the route table that no test has sent."""
        return sorted(parameters() - self.tests.keys())

    def keep(self, file: Path, seconds: Mapping[str, float]) -> None:
        """Writes it down, with how long each test took."""
        timed = {
            parameter: {test: round(seconds.get(test, 0), 3) for test in sorted(tests)}
            for parameter, tests in sorted(self.tests.items())
        }
        file.write_text(json.dumps(timed, indent=1) + "\n", "utf-8")


def parameters() -> set[str]:
    """Every parameter of every call that can say something, as "/path parameter"."""
    return {
        f"{route.path} {field.name}"
        for route in ROUTES
        for field in Parameters(route.request, route.page_limit).fields
        if not _says_nothing(field)
    }


def _says_nothing(field: Field) -> bool:
    """Whether it has but one value, and can be left out."""
    kind = field.kind.type if isinstance(field.kind, Metadata) else field.kind
    return not field.is_required and isinstance(kind, LiteralType) and len(kind.values) == 1
