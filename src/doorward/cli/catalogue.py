"""The route table as the words of `doorward api`: which call some words mean, and the help."""

from collections.abc import Sequence
from difflib import get_close_matches

from doorward.cli.output import table
from doorward.cli.parameters import Parameter, parameters
from doorward.errors import UsageError
from doorward.wire.route import Route

ENTRY = "doorward api"


class Catalogue:
    """The calls of a route table by their words: /acs/users/get is `acs users get`."""

    def __init__(self, routes: Sequence[Route]) -> None:
        self._routes = {_words(route): route for route in routes}

    def is_group(self, words: Sequence[str]) -> bool:
        """Whether these words are the beginning of calls, and no call themselves."""
        wanted = _normal(words)
        return wanted not in self._routes and bool(self._below(wanted))

    def route(self, words: Sequence[str]) -> Route:
        """The call that these words name.

        Dashes and underscores are the same, and slashes may stand between the words. Raises
        UsageError where no call has that name.
        """
        wanted = _normal(words)
        if wanted in self._routes:
            return self._routes[wanted]
        if self.is_group(words):
            group = _shown(wanted)
            raise UsageError(
                f"`{group}` is not a whole call; {ENTRY} {group} --help lists those there are"
            )
        raise UsageError(f"there is no call `{' '.join(words)}`{self._hint(wanted)}")

    def help(self, words: Sequence[str]) -> list[str]:
        """What there is below these words: a call with its parameters, or several calls."""
        if self.is_group(words):
            return self._group_help(_normal(words))
        return _route_help(self.route(words))

    def _below(self, prefix: tuple[str, ...]) -> dict[tuple[str, ...], Route]:
        return {
            words: route for words, route in self._routes.items() if words[: len(prefix)] == prefix
        }

    def _group_help(self, prefix: tuple[str, ...]) -> list[str]:
        below = self._below(prefix)
        usage = " ".join([ENTRY, *map(_dashed, prefix), "…", "[--parameter value …]"])
        rows = [(_shown(words), below[words].summary) for words in sorted(below)]
        calls = table(("CALL", "WHAT IT DOES"), rows)
        first = below[min(below)]
        more = [
            f"Example:         {_example(first, parameters(first))}",
            f"Its parameters:  {ENTRY} {_shown(_words(first))} --help",
        ]
        return [f"Usage: {usage}", "", *(line.plain for line in calls), "", *more]

    def _hint(self, wanted: tuple[str, ...]) -> str:
        names = {" ".join(words): words for words in self._routes}
        close = get_close_matches(" ".join(wanted), names, 1)
        if close:
            return f"; did you mean `{_shown(names[close[0]])}`?"
        return f"; {ENTRY} --help lists every call"


def _route_help(route: Route) -> list[str]:
    known = parameters(route)
    lines = [f"Usage: {ENTRY} {_shown(_words(route))} [--parameter value …]", "", route.summary, ""]
    if not known:
        return [*lines, "It has no parameters."]
    rows = [(f"--{p.name}", p.kind, "required" if p.is_required else "") for p in known]
    described = table(("PARAMETER", "TYPE", ""), rows)
    return [*lines, *(line.plain for line in described), "", f"Example: {_example(route, known)}"]


def _example(route: Route, known: Sequence[Parameter]) -> str:
    # A request with rules across its parameters wants one of the optional ones as well.
    optional = 1 if hasattr(route.request, "check") else 0
    required = sum(parameter.is_required for parameter in known)
    shown = known[: max(required + optional, 1)]
    return " ".join([ENTRY, _shown(_words(route)), *map(_placeholder, shown)])


def _placeholder(parameter: Parameter) -> str:
    return f"--{parameter.name} {parameter.kind.replace('|', ' ').split()[0].upper()}"


def _words(route: Route) -> tuple[str, ...]:
    return tuple(route.path.strip("/").split("/"))


def _normal(words: Sequence[str]) -> tuple[str, ...]:
    parts = [part for word in words for part in word.split("/")]
    return tuple(part.replace("-", "_") for part in parts if part)


def _shown(words: Sequence[str]) -> str:
    return " ".join(map(_dashed, words))


def _dashed(word: str) -> str:
    return word.replace("_", "-")
