"""Which types of events Doorward sends, on which occasion, and why the others not yet."""

import ast
import inspect
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import FunctionType
from typing import Final

from doorward.events import catalogue
from doorward.resources.event import EVENT_TYPES, Event

_SOURCE: Final = Path(catalogue.__file__).parent.parent

# Why types are not sent yet: the longest beginning that fits counts.
_REASONS: Final = {
    "access_code": "codes here are credentials, whose events are `acs_credential`",
    "access_grant": "there are no access grants yet",
    "access_method": "there are no access grants yet, whose methods these are",
    "action_attempt.lock_door": "locks here lock by themselves, there is no call that locks",
    "action_attempt.simulate": "these are of simulated locks that are devices",
    "camera": "there are no devices",
    "connect_webview": "accounts here are declared in the site file, not connected in a web view",
    "connected_account": "accounts here are declared in the site file, not connected in a web view",
    "device": "there are no devices",
    "enrollment_automation": "the API no longer documents enrolment automations",
    "lock.locked": "doors lock again by themselves after each opening",
    "noise_sensor": "there are no devices",
    "space": "there are no spaces yet",
    "thermostat": "there are no devices",
}


@dataclass(frozen=True, slots=True)
class Sent:
    """A type that is sent: its cause in words, who makes it, and the modules that ask for it."""

    cause: str
    function: str
    modules: tuple[str, ...]


@cache
def sent_types() -> dict[str, Sent]:
    """Every type of event that some module sends, by its name."""
    users = _users()
    told = {}
    for name, function in _functions():
        if name in users:
            cause = " ".join((inspect.getdoc(function) or "").split())
            for event_type in _types(function):
                told[event_type] = Sent(cause, f"{name}()", users[name])
    return told


def reason_of(event_type: str) -> str:
    """Why a type is not sent yet. Raises LookupError where nobody has said so."""
    fitting = [start for start in _REASONS if event_type.startswith(start)]
    if not fitting:
        raise LookupError(f"tools/event_types.py does not say why {event_type} is not sent")
    return _REASONS[max(fitting, key=len)]


def idle_reasons() -> list[str]:
    """The reasons that no type needs any more."""
    needed = {reason_of(each) for each in EVENT_TYPES - sent_types().keys()}
    return [start for start, reason in _REASONS.items() if reason not in needed]


def _functions() -> Iterator[tuple[str, FunctionType]]:
    """The public functions of the catalogue that make an event."""
    for name, function in inspect.getmembers(catalogue, inspect.isfunction):
        is_public = not name.startswith("_") and function.__module__ == catalogue.__name__
        if is_public and function.__annotations__.get("return") is Event:
            yield name, function


def _types(function: FunctionType) -> set[str]:
    """The types that a function of the catalogue names."""
    tree = ast.parse(inspect.getsource(function))
    constants = (node.value for node in ast.walk(tree) if isinstance(node, ast.Constant))
    return {each for each in constants if isinstance(each, str)} & EVENT_TYPES


@cache
def _users() -> dict[str, tuple[str, ...]]:
    """The modules that name a function of the catalogue, by the function's name."""
    found: dict[str, list[str]] = {}
    for module in sorted(_SOURCE.rglob("*.py")):
        for name in _of_catalogue(ast.parse(module.read_text("utf-8"))):
            found.setdefault(name, []).append(module.relative_to(_SOURCE).as_posix())
    return {name: tuple(modules) for name, modules in found.items()}


def _of_catalogue(tree: ast.Module) -> set[str]:
    """What a module takes from the catalogue."""
    taken = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            if node.value.id == "catalogue":
                taken.add(node.attr)
        elif isinstance(node, ast.ImportFrom) and node.module == catalogue.__name__:
            taken.update(alias.name for alias in node.names)
    return taken
