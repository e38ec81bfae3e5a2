"""Schemathesis over our own document, against a real server: every check that it has.

Where clients ask for more lenience than a document can say, or a rule is beyond what OpenAPI 3.0
can say, an exception is named in LENIENT; everything else fails.
"""

import json
import os
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis import BaseSchema, Case, CheckContext, CheckFunction, Response
from schemathesis.core.failures import AcceptedNegativeData
from schemathesis.openapi.checks import AuthScenario, IgnoredAuth, RejectedPositiveData
from schemathesis.specs.openapi.checks import (
    ignored_auth,
    negative_data_rejection,
    positive_data_acceptance,
)

from doorward.api.table import ROUTES
from doorward.store.personal import EMAIL
from doorward.wire.body import BODY_LIMIT
from doorward.wire.catalogue import ERRORS
from doorward.wire.http.limits import Limits
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


class Fault(NamedTuple):
    """One thing wrong with a request: the parameter, "" for none, and what we said of it.

    kind: the `error.type` of our answer, "" where there is none because we have taken the request.
    """

    name: str
    kind: str = ""
    message: str = ""


class Lenience(NamedTuple):
    """One kind of fault in which we and the document alone do not agree.

    rarely: why it is not among what is asked in every run; else it must be.
    """

    what: str
    reason: str
    applies: Callable[[Response, Fault], bool]
    rarely: str = ""


def _error(response: Response) -> dict[str, Any]:
    error: dict[str, Any] = response.json()["error"]
    return error


def _refused(response: Response) -> Iterator[Fault]:
    """Everything that an answer finds wrong."""
    error = _error(response)
    told = error.get("validation_errors")
    if told is None:
        yield Fault("", error["type"], error["message"])
    else:
        yield from (Fault("", error["type"], message) for message in told["_errors"])
        for name, node in told.items():
            if name != "_errors":
                yield from (Fault(name, error["type"], message) for message in _messages(node))


def _messages(node: dict[str, Any]) -> Iterator[str]:
    for name, inner in node.items():
        yield from inner if name == "_errors" else _messages(inner)


def _made_wrong(case: AnyCase) -> list[Fault]:
    """Every parameter that was made wrong on purpose."""
    assert case.meta is not None
    data = case.meta.phase.data
    # Of a body that is wrong in one place, the parameter's name is in that place alone.
    member = re.match(r"/properties/(\w+)", getattr(data, "location", None) or "")
    one = member[1] if member else data.parameter
    names = [one] if one else [each.parameter for each in data.mutations]
    return [Fault(name) for name in dict.fromkeys(names) if name]


def _body(response: Response) -> bytes:
    body = response.request.body or b""
    assert isinstance(body, bytes | str)
    return body if isinstance(body, bytes) else body.encode()


def _query(response: Response) -> list[tuple[str, str]]:
    return parse_qsl(urlsplit(str(response.request.url)).query, keep_blank_values=True)


def _of(response: Response, fault: Fault) -> list[tuple[str, str]]:
    """What the query has of the parameter at fault."""
    sent = _query(response)
    return [(name, text) for name, text in sent if fault.name and _head(name) == fault.name]


def _head(name: str) -> str:
    return re.split(r"[.\[]", name, maxsplit=1)[0]


def _is_blank(response: Response, fault: Fault) -> bool:
    return any(not text.strip() for _, text in _of(response, fault))


def _is_odd_member(response: Response, fault: Fault) -> bool:
    told = BRACKETS.fullmatch(fault.message)
    if told is None:
        # A member without a name looks like an array.
        return any(name == f"{fault.name}[]" for name, _ in _of(response, fault))
    names = [name for name, _ in _query(response) if name.startswith(told[1])]
    members = (name.removesuffix("]").partition("[")[2] for name in names)
    return any(mark in member for member in members for mark in ".[]")


def _is_beyond_exact(response: Response, fault: Fault) -> bool:
    sent = [text for _, text in _of(response, fault)]
    body = _body(response)
    if body:
        sent.append(str(json.loads(body).get(fault.name)))
    return any(re.fullmatch(r"-?\d+", text) and abs(int(text)) > SAFE_INTEGER for text in sent)


def _is_too_long(response: Response) -> bool:
    return response.status_code == 414 and len(str(response.request.url)) > Limits().url


def _is_rule(_: Response, fault: Fault) -> bool:
    return any(rule.fullmatch(fault.message) for rule in RULES)


def _is_international(response: Response, fault: Fault) -> bool:
    if fault.name not in {"email", "email_address"}:
        return False
    given = json.loads(_body(response))[fault.name]
    return isinstance(given, str) and EMAIL.fullmatch(given) is not None and not given.isascii()


def _is_out_of_calendar(_: Response, fault: Fault) -> bool:
    return OUT_OF_CALENDAR.fullmatch(fault.message) is not None


def _holds_nul(response: Response, fault: Fault) -> bool:
    sent = "%00" in str(response.request.url) or b"\\u0000" in _body(response)
    return sent and fault.message.endswith("holds the character NUL")


BRACKETS = re.compile(r"The brackets of '(.*?)…?' cannot be understood", re.DOTALL)
OUT_OF_CALENDAR = re.compile(r"Date must be (greater|less) than or equal to \S+")
# What `check` of a request says, and what handlers find when they have looked things up.
RULES = tuple(
    map(
        re.compile,
        (
            r"Either '\w+'((, | or )'\w+')* is required",
            r"Only one of '\w+'( and '\w+')* may be given",
            "'acs_system_id' is required with 'user_identity_id'",
            r"'\w+' must be in the future",
            "'ends_at' must be after 'starts_at'",
            r"'to' must not be before now, which is \S+",
            "Time moves forward alone, and not further ahead than a century",
            "The user and the access group are of different access systems",
            "'user_identity_key' must not be empty",
            "One of 'starts_at' and 'ends_at' is required; null takes the schedule away",
        ),
    )
)
LENIENT_TO_WRONG: tuple[Lenience, ...] = (
    Lenience(
        "anything wrong in an address that is too long",
        "it is refused unread, with 414",
        lambda response, _: _is_too_long(response),
        rarely="only chance makes a long query wrong as well",
    ),
    Lenience(
        "a blank id, time or number in a query", "the clients write null like that", _is_blank
    ),
    Lenience(
        "whom a publishable key is used for, too long",
        "it is of no account with any other token, and these tests have one",
        lambda _, fault: fault.name == "seam-user-identifier-key",
    ),
    Lenience(
        "an e-mail address with letters beyond ASCII",
        "people have them (RFC 6531); the format knows those of ASCII alone",
        _is_international,
        rarely="only chance makes a wrong address of such letters",
    ),
)
STRICT_TO_RIGHT: tuple[Lenience, ...] = (
    Lenience(
        "rules over several parameters, or over what is stored",
        "OpenAPI 3.0, as the official document uses it, has no word for them",
        _is_rule,
    ),
    Lenience(
        "a blank text in a query",
        "the clients write null like that, and leave an empty text out",
        _is_blank,
    ),
    Lenience(
        "a page_cursor",
        "it is any text to clients, but one that we have made",
        lambda _, fault: fault.name == "page_cursor",
    ),
    Lenience(
        "an Idempotency-Key once more",
        "what it was used for first is known to us alone",
        lambda _, fault: fault.kind.startswith("idempotency_key_"),
    ),
    Lenience(
        "more than an address holds",
        "what is too long for a query goes into a body",
        lambda response, _: _is_too_long(response),
    ),
    Lenience(
        "a whole number that the clients' own numbers cannot hold exactly",
        "the official document has no bound there, and a rounded offset is another one",
        _is_beyond_exact,
        rarely="no bound of the document leads there, chance does",
    ),
    Lenience(
        "a member in a query whose name is empty, or has a dot or a bracket",
        "the clients write members of objects with dots, and older ones arrays with brackets",
        _is_odd_member,
        rarely="names of members are chance's",
    ),
    Lenience(
        "a client session for the same user once more",
        "who has one is known to us alone",
        lambda _, fault: fault.kind == "client_session_token_already_exists",
        rarely="chance must name the same user twice",
    ),
    Lenience(
        "an instant before 1970, or after 9998",
        "OpenAPI 3.0 has no bounds for times",
        _is_out_of_calendar,
    ),
    Lenience(
        "an identity that is not there, for a new person",
        "the API answers 400 to that, not 404",
        lambda _, fault: fault.kind == "user_identity_not_found",
    ),
    Lenience("the character NUL", "PostgreSQL cannot hold it, and no name has it", _holds_nul),
)
EVERY_OPERATION = {f"{verb} {route.path}" for route in ROUTES for verb in route.verbs}
USED: set[str] = set()
ASKED: set[str] = set()


def _excused(leniences: Sequence[Lenience], response: Response, faults: Iterable[Fault]) -> bool:
    """Whether for every single fault there is a lenience."""
    found = [[each for each in leniences if each.applies(response, fault)] for fault in faults]
    USED.update(each.what for fitting in found for each in fitting)
    return bool(found) and all(found)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    with running(tmp_path_factory.mktemp("schemathesis") / "data", "--rate-limit", "0") as server:
        yield server
    if EVERY_OPERATION == ASKED:
        assert _needless() == set()


def _needless() -> set[str]:
    """Which exceptions nothing has needed, of those that every run needs."""
    every = (*LENIENT_TO_WRONG, *STRICT_TO_RIGHT)
    return {each.what for each in every if not each.rarely} - USED


def _rejects_wrong(ctx: CheckContext, response: Response, case: AnyCase) -> None:
    try:
        negative_data_rejection(ctx, response, case)
    except AcceptedNegativeData:
        if not _excused(LENIENT_TO_WRONG, response, _made_wrong(case)):
            raise


def _accepts_right(ctx: CheckContext, response: Response, case: AnyCase) -> None:
    try:
        positive_data_acceptance(ctx, response, case)
    except RejectedPositiveData:
        if not _excused(STRICT_TO_RIGHT, response, _refused(response)):
            raise


def _asks_who_calls(ctx: CheckContext, response: Response, case: AnyCase) -> None:
    try:
        ignored_auth(ctx, response, case)
    except IgnoredAuth as failure:
        # A header for client sessions alone whose token is none is answered 400, as the API does;
        # the document names these headers last, so nothing but the second goes untried.
        is_wrong_header = (
            failure.scenario is AuthScenario.INVALID_AUTH and "`400 " in failure.message
        )
        if not (is_wrong_header and _takes_sessions(case)):
            raise


def _takes_sessions(case: AnyCase) -> bool:
    ways = case.operation.definition.raw["security"]
    return {"client_session_token": []} in ways


def _has_a_documented_type(_: CheckContext, response: Response, __: AnyCase) -> None:
    if response.status_code >= 400:
        error = _error(response)
        assert response.status_code in ERRORS[error["type"]].statuses, error


CHECKS_OF_DATA: list[CheckFunction] = [negative_data_rejection, positive_data_acceptance]
OURS: list[CheckFunction] = [
    _rejects_wrong,
    _accepts_right,
    _asks_who_calls,
    _has_a_documented_type,
]


def _check(server: RunningServer, case: AnyCase, headers: dict[str, str]) -> None:
    case.call_and_validate(
        base_url=server.endpoint,
        headers=headers,
        excluded_checks=[*CHECKS_OF_DATA, ignored_auth],
        additional_checks=OURS,
    )


def test_the_document_is_the_servers(server: RunningServer) -> None:
    assert httpx.get(f"{server.endpoint}/openapi.json").json() == WHOLE.raw_schema


@WHOLE.parametrize()
@STEADY
def test_with_an_api_key(server: RunningServer, case: AnyCase) -> None:
    ASKED.add(case.operation.label)
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
    is_too_large = len(_body(response)) > BODY_LIMIT
    assert response.status_code == (413 if is_too_large else 401)
