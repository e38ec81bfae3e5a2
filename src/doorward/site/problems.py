"""What is wrong with a site file: every problem with its line, all of them at once."""

from typing import NamedTuple

from doorward.errors import StartError


class Problem(NamedTuple):
    """One thing that is wrong. `line` counts from 1."""

    line: int
    reason: str


class SiteError(StartError):
    """A site file that is refused as a whole; its text has one line for each problem."""

    def __init__(self, file: str, problems: list[Problem]) -> None:
        self.file = file
        self.problems = sorted({Problem(line, _printable(reason)) for line, reason in problems})
        super().__init__("\n".join(f"{file}:{line}: {reason}" for line, reason in self.problems))


def _printable(text: str) -> str:
    """A text on one line that does nothing to a terminal, whatever a file has in its keys."""
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)


class Problems:
    """Collects problems, so that one look at a file tells all of them."""

    def __init__(self, file: str) -> None:
        self._file = file
        self._found: list[Problem] = []

    def add(self, line: int, reason: str) -> None:
        """Notes a problem and lets the reading go on."""
        self._found.append(Problem(line, reason))

    @property
    def found(self) -> list[Problem]:
        """What has been noted, each once and in the order of the lines."""
        return sorted(set(self._found))

    def refuse(self) -> None:
        """Raises SiteError when anything has been noted."""
        if self._found:
            raise SiteError(self._file, self._found)

    def fail(self, line: int, reason: str) -> SiteError:
        """The error for a problem after which nothing more can be read."""
        return SiteError(self._file, [*self._found, Problem(line, reason)])
