"""Noted answers against the official schemas, our own, and what our document says is refused."""

from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cached_property
from typing import Any

import pytest

from doorward.api.table import ROUTES
from tests.contract.deviations import undeclared
from tests.contract.official import Contract, official_contract, our_contract
from tests.contract.shapes import differences

# Our own types of events, which reach who asks for them by name, and which no document lists.
_OWN_EVENTS = "event.event_type: *doorward.*"
_VOID = {route.path for route in ROUTES if route.is_void}


@dataclass(frozen=True, slots=True)
class Answer:
    """What one call was answered."""

    path: str
    verb: str
    status: int
    body: Any


class Judge:
    """Holds answers against both documents, each made when it is asked for first.

    why_not: why answers are not held against the official one, empty where they are.
    """

    def __init__(self) -> None:
        self.why_not = ""

    def differences(self, answer: Answer) -> list[str]:
        """What an answer breaks, as texts that begin with the place."""
        if answer.status != 200:
            return [*self._of_refusal(answer)]
        theirs = [] if self._official is None else undeclared(_of(self._official, answer))
        return [*theirs, *(f"our own schema: {each}" for each in _of(self._ours, answer))]

    @cached_property
    def _ours(self) -> Contract:
        return our_contract()

    @cached_property
    def _official(self) -> Contract | None:
        """None where the package is not there; under CI that fails the test that asks."""
        try:
            return official_contract()
        except pytest.skip.Exception as skipped:
            self.why_not = str(skipped)
            return None

    def _of_refusal(self, answer: Answer) -> Iterator[str]:
        """A verb that a path does not have has no operation that could tell of it."""
        place = f"{answer.path}({answer.status})"
        error = answer.body.get("error", {})
        kinds = ["method_not_allowed"] if answer.status == 405 else self._kinds(answer)
        if error.get("type") not in kinds:
            yield f"{place}: error {error.get('type')}"
        if answer.body.keys() != {"error", "ok"} or answer.body["ok"] is not False:
            yield f"{place}: envelope"
        if not {"type", "message"} <= error.keys() <= {"type", "message", "validation_errors"}:
            yield f"{place}: members of the error"

    def _kinds(self, answer: Answer) -> list[str]:
        told = self._ours.refusal(answer.path, answer.status)
        return [] if told is None else self._kinds_of(told)

    def _kinds_of(self, schema: Any) -> list[str]:
        if "$ref" in schema:
            return self._kinds_of(self._ours.resources[schema["$ref"].rpartition("/")[2]])
        kinds: list[str] = schema["allOf"][1]["properties"]["error"]["properties"]["type"]["enum"]
        return kinds


def _of(contract: Contract, answer: Answer) -> Iterator[str]:
    if answer.path in contract.paths:
        place = "void" if answer.path in _VOID else answer.path
        schema = contract.answer(answer.path)
        found = differences(answer.body, schema, contract.resources, place)
        yield from (each for each in found if not fnmatchcase(each, _OWN_EVENTS))
