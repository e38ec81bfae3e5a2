"""Schemathesis over our own document, against a real server: every check that it has.

Where clients ask for more lenience than a document can say, or a rule is beyond what OpenAPI 3.0
can say, an exception is named in LENIENT; everything else fails.
"""

import os
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis import BaseSchema, Case, CheckContext, CheckFunction, Response
from schemathesis.core.failures import AcceptedNegativeData
from schemathesis.openapi.checks import RejectedPositiveData
from schemathesis.specs.openapi.checks import negative_data_rejection, positive_data_acceptance

from doorward.api.table import ROUTES
from doorward.wire.catalogue import ERRORS
from doorward.wire.openapi import document
from doorward.wire.scalars import SAFE_INTEGER
from tests.running import ACCESS_TOKEN, API_KEY, WORKSPACE, RunningServer, running

AnyCase = Case[Any]
# How many examples of each operation; the long form has more.
EXAMPLES = int(os.environ.get("DOORWARD_SCHEMATHESIS_EXAMPLES", "5"))

KEY = {"Authorization": f"Bearer {API_KEY}"}
PERSONAL = {"Authorization": f"Bearer {ACCESS_TOKEN}", "seam-workspace": WORKSPACE}
# The same examples in every run, unless there are many.
STEADY = settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    database=None,
    derandomize=EXAMPLES <= 5,
)


def _schema(*, is_covering: bool) -> BaseSchema:
    schema = schemathesis.openapi.from_dict(document(ROUTES))
    # Which tokens there are is this file's affair, not chance's.
    schema.config.generation.with_security_parameters = False
    schema.config.phases.coverage.enabled = is_covering
    return schema


WHOLE = _schema(is_covering=True)
BRIEF = _schema(is_covering=False)


class Lenience(NamedTuple):
    """One kind of request that we answer otherwise than the document alone would have it."""

    what: str
    reason: str
    applies: Callable[[AnyCase, Response], bool]


def _error(response: Response) -> dict[str, Any]:
    error: dict[str, Any] = response.json()["error"]
    return error


def _is_in_query(case: AnyCase) -> bool:
    return case.method in {"GET", "DELETE"}


def _asks_beyond_exact(case: AnyCase) -> bool:
    sent = {**(case.query or {}), **(case.body if isinstance(case.body, dict) else {})}
    numbers = (value for value in sent.values() if isinstance(value, int | float))
    return any(abs(number) > SAFE_INTEGER for number in numbers)


def _query(response: Response) -> list[tuple[str, str]]:
    return parse_qsl(urlsplit(str(response.request.url)).query, keep_blank_values=True)


def _has_blank(response: Response) -> bool:
    return any(not text.strip() for _, text in _query(response))


def _is_odd_member(name: str) -> bool:
    _, bracket, member = name.removesuffix("]").partition("[")
    return bool(bracket) and (not member or any(mark in member for mark in ".[]"))


LENIENT_TO_WRONG: tuple[Lenience, ...] = (
    Lenience(
        "members of members in brackets in a query",
        "no client writes them, and a parameter that we do not know is ignored",
        lambda _, response: any(_is_odd_member(name) for name, _ in _query(response)),
    ),
    Lenience(
        "a blank id, time or number in a query",
        "the clients write null like that",
        lambda case, response: _is_in_query(case) and _has_blank(response),
    ),
)
STRICT_TO_RIGHT: tuple[Lenience, ...] = (
    Lenience(
        "rules over several parameters",
        "OpenAPI 3.0, as the official document uses it, has no word for them",
        lambda _, response: bool(_error(response).get("validation_errors", {}).get("_errors")),
    ),
    Lenience(
        "a blank text in a query",
        "the clients write null like that, and leave an empty text out",
        lambda case, response: _is_in_query(case) and _has_blank(response),
    ),
    Lenience(
        "a page_cursor",
        "it is any text to clients, but one that we have made",
        lambda _, response: "page_cursor" in _error(response)["message"],
    ),
    Lenience(
        "an Idempotency-Key once more",
        "what it was used for first is known to us alone",
        lambda _, response: _error(response)["type"].startswith("idempotency_key_"),
    ),
    Lenience(
        "a whole number that the clients' own numbers cannot hold exactly",
        "the official document has no bound there, and a rounded offset is another one",
        lambda case, _: _asks_beyond_exact(case),
    ),
    Lenience(
        "a member in a query whose name is empty, or has a dot or a bracket",
        "the clients write members of objects with dots, and older ones arrays with brackets",
        lambda _, response: any(_is_odd_member(name) for name, _ in _query(response)),
    ),
    Lenience(
        "a client session for the same user once more",
        "who has one is known to us alone",
        lambda _, response: _error(response)["type"] == "client_session_token_already_exists",
    ),
    Lenience(
        "the character NUL",
        "PostgreSQL cannot hold it, and no name has it",
        lambda _, response: "NUL" in _error(response)["message"],
    ),
)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    with running(tmp_path_factory.mktemp("schemathesis") / "data", "--rate-limit", "0") as server:
        yield server


def _rejects_wrong(ctx: CheckContext, response: Response, case: AnyCase) -> None:
    try:
        negative_data_rejection(ctx, response, case)
    except AcceptedNegativeData:
        if not any(each.applies(case, response) for each in LENIENT_TO_WRONG):
            raise


def _accepts_right(ctx: CheckContext, response: Response, case: AnyCase) -> None:
    try:
        positive_data_acceptance(ctx, response, case)
    except RejectedPositiveData:
        if not any(each.applies(case, response) for each in STRICT_TO_RIGHT):
            raise


def _has_a_documented_type(_: CheckContext, response: Response, __: AnyCase) -> None:
    if response.status_code >= 400:
        error = _error(response)
        assert response.status_code in ERRORS[error["type"]].statuses, error


CHECKS_OF_DATA: list[CheckFunction] = [negative_data_rejection, positive_data_acceptance]


def _check(server: RunningServer, case: AnyCase, headers: dict[str, str]) -> None:
    case.call_and_validate(
        base_url=server.endpoint,
        headers=headers,
        excluded_checks=CHECKS_OF_DATA,
        additional_checks=[_rejects_wrong, _accepts_right, _has_a_documented_type],
    )


def test_the_document_is_the_servers(server: RunningServer) -> None:
    assert httpx.get(f"{server.endpoint}/openapi.json").json() == WHOLE.raw_schema


@WHOLE.parametrize()
@STEADY
def test_with_an_api_key(server: RunningServer, case: AnyCase) -> None:
    _check(server, case, KEY)


@BRIEF.parametrize()
@STEADY
def test_with_a_personal_access_token(server: RunningServer, case: AnyCase) -> None:
    _check(server, case, PERSONAL)


@BRIEF.parametrize()
@STEADY
def test_without_a_token(server: RunningServer, case: AnyCase) -> None:
    response = case.call(base_url=server.endpoint)
    case.validate_response(
        response, excluded_checks=CHECKS_OF_DATA, additional_checks=[_has_a_documented_type]
    )
    assert response.status_code == 401
