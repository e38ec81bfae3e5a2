"""The official OpenAPI document, as the npm package `@seamapi/types` exports it, and ours."""

import json
import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, NoReturn

import pytest

from doorward.api.table import ROUTES
from doorward.wire.openapi import document
from tests.clients.node_packages import NO_NODE, node_program
from tests.clients.places import CHECKOUT, read_finding
from tests.contract.shapes import Schema, merged

_EXPORT = """
import { openapi } from "@seamapi/types/connect"
process.stdout.write(JSON.stringify(openapi))
"""


@dataclass(frozen=True, slots=True)
class Parameters:
    """What an operation asks for: every parameter's schema, and which must be there."""

    schemas: Mapping[str, Schema]
    required: frozenset[str]


class Contract:
    """An OpenAPI document, asked for what clients depend on."""

    def __init__(self, content: Mapping[str, Any]) -> None:
        self._paths: Mapping[str, Mapping[str, Any]] = content["paths"]
        self.resources: Mapping[str, Schema] = content["components"]["schemas"]
        self.schemes: Mapping[str, Mapping[str, str]] = content["components"]["securitySchemes"]

    @cached_property
    def documented(self) -> frozenset[str]:
        """The paths that users are told of."""
        return frozenset(
            path
            for path, verbs in self._paths.items()
            if not any(operation.get("x-undocumented") for operation in verbs.values())
        )

    @cached_property
    def paths(self) -> frozenset[str]:
        """Every path, those included that users are not told of."""
        return frozenset(self._paths)

    def verbs(self, path: str) -> frozenset[str]:
        """The verbs of a path, in capitals."""
        return frozenset(verb.upper() for verb in self._paths[path])

    def parameters(self, path: str, verb: str) -> Parameters:
        """The parameters of a query or a body, whichever the verb has."""
        operation = self._paths[path][verb.lower()]
        if "requestBody" in operation:
            asked = merged(operation["requestBody"]["content"]["application/json"]["schema"])
            return Parameters(asked.get("properties", {}), frozenset(asked.get("required", ())))
        listed = operation.get("parameters", [])
        return Parameters(
            {each["name"]: each["schema"] for each in listed},
            frozenset(each["name"] for each in listed if each.get("required")),
        )

    def operation(self, path: str, verb: str) -> Mapping[str, Any]:
        """What the document says of a path's verb, as it is written."""
        operation: Mapping[str, Any] = self._paths[path][verb.lower()]
        return operation

    def callers(self, path: str) -> frozenset[str]:
        """Who may call a path, by the document's security schemes; all verbs say the same."""
        told = {
            frozenset(name for scheme in operation["security"] for name in scheme)
            for operation in self._paths[path].values()
        }
        assert len(told) == 1
        return told.pop()

    def response_key(self, path: str) -> str | None:
        """The key of the answer, None for a void call."""
        keys = {operation["x-response-key"] for operation in self._paths[path].values()}
        assert len(keys) == 1
        key: str | None = keys.pop()
        return key

    def action_types(self, path: str) -> frozenset[str | None]:
        """What the action attempts are for with which a path answers."""
        operations = self._paths[path].values()
        return frozenset(operation.get("x-action-attempt-type") for operation in operations)

    def answer(self, path: str) -> Schema:
        """The schema of a success; that of POST, which every path has."""
        success = self._paths[path]["post"]["responses"]["200"]
        schema: Schema = success["content"]["application/json"]["schema"]
        return schema

    def refusal(self, path: str, status: int) -> Schema | None:
        """The schema of an error, None for a status that the document does not tell of."""
        told = self._paths[path]["post"]["responses"].get(str(status))
        return None if told is None else told["content"]["application/json"]["schema"]


def our_contract() -> Contract:
    """What our own `GET /openapi.json` says."""
    return Contract(json.loads(json.dumps(document(ROUTES))))


def official_contract() -> Contract:
    """The official document. Where it cannot be had the test is skipped, and under CI it fails."""
    node, finding = node_program(), read_finding(CHECKOUT, "node")
    if node is None or not finding.installed:
        _give_up(NO_NODE if node is None else finding.reason)
    return exported(node, CHECKOUT.node)


def exported(node: Path, folder: Path) -> Contract:
    """The document that the package exports whose node_modules are in a folder."""
    told = subprocess.run(
        [str(node), "--input-type=module", "--eval", _EXPORT],
        cwd=folder,
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert told.returncode == 0, told.stderr.decode()
    return Contract(json.loads(told.stdout))


def _give_up(reason: str) -> NoReturn:
    reason = f"@seamapi/types: {reason}"
    if os.environ.get("CI", "").lower() in {"", "0", "false"}:
        pytest.skip(reason)
    pytest.fail(reason)
