"""What is wrong with the parameters of a call, in the words and the shape that Zod gives it.

The official clients show these texts and read `validation_errors` (seam-api section 2).
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from doorward.errors import ApiError

REQUIRED = "Required"

# An answer tells so many issues beside the first of each parameter, and so many characters of what
# a caller sent: a megabyte of wrong values must not be answered by more than that.
MOST_ISSUES = 20
_MOST_CHARACTERS = 100


class Issue(NamedTuple):
    """One thing wrong: Zod's text, and the path to the value, () for a rule over several."""

    message: str
    path: tuple[str, ...] = ()

    def under(self, key: str) -> "Issue":
        """The same issue seen from one level further out."""
        return Issue(self.message, (shortened(key), *self.path))

    def sentence(self) -> str:
        """How the envelope's message tells it."""
        if not self.path:
            return self.message
        path = ".".join(self.path)
        return f"{path} is required" if self.message == REQUIRED else f'{self.message} for "{path}"'


class Invalid(Exception):
    """A value that a parameter cannot take."""

    def __init__(self, *issues: Issue) -> None:
        super().__init__(*issues)
        self.issues = issues


def shortened(text: str) -> str:
    """What an answer repeats of a caller's text: its beginning."""
    return text if len(text) <= _MOST_CHARACTERS else f"{text[:_MOST_CHARACTERS]}…"


def wrong(message: str) -> Invalid:
    """The value itself is wrong, with Zod's text for it."""
    return Invalid(Issue(message))


def expected(kind: str, value: Any) -> Invalid:
    """The value is of another type than `kind`; both are named as Zod names JSON's types."""
    return wrong(f"Expected {kind}, received {received(value)}")


def received(value: Any) -> str:
    """Zod's name for the type of a JSON value."""
    match value:
        case None:
            return "null"
        case bool():
            return "boolean"
        case int() | float():
            return "number"
        case str():
            return "string"
        case list():
            return "array"
        case _:
            return "object"


def refusal(issues: Sequence[Issue]) -> ApiError:
    """400 `invalid_input` that lists every issue; of very many some, of each parameter one."""
    told = list(_worth_telling(issues))
    return ApiError(400, "invalid_input", _message(told), validation_errors=_formatted(told))


def _worth_telling(issues: Iterable[Issue]) -> Iterator[Issue]:
    told: set[str] = set()
    for count, issue in enumerate(issues):
        if count < MOST_ISSUES or (issue.path and issue.path[0] not in told):
            yield issue
        told.update(issue.path[:1])


def _message(issues: Sequence[Issue]) -> str:
    sentences = [issue.sentence() for issue in issues]
    if len(sentences) == 1:
        return sentences[0]
    return f"{len(sentences)} Input Errors: {', '.join(sentences)}"


def _formatted(issues: Iterable[Issue]) -> dict[str, Any]:
    # Every level has _errors: the JavaScript client throws where a parameter's is missing.
    top: dict[str, Any] = {"_errors": []}
    for issue in issues:
        node = top
        for key in issue.path:
            if key == "_errors":
                # What a caller has named like that is told one level further out.
                break
            node = node.setdefault(key, {"_errors": []})
        node["_errors"].append(issue.message)
    return top
