"""`/metrics`: it counts what happened, stays small whatever is asked for, and who may see it."""

import asyncio
import math
import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import REGISTRY
from prometheus_client.openmetrics.parser import (
    text_string_to_metric_families as parse_openmetrics,
)
from prometheus_client.parser import text_string_to_metric_families as parse

from doorward.wire.app import Api
from doorward.wire.exchange import Exchange
from doorward.wire.metrics import Metrics, MetricsPage, Vitals
from tests.wire import toy

AT_HOME = {"host": "127.0.0.1:8765"}
VITALS = Vitals(
    in_flight=3,
    is_database_up=True,
    writes_waiting=7,
    controllers={"connected": 2, "held": 1},
    revision_lag=41,
    events_spooled=5,
    log_lines_lost=6,
)


def make(*, is_open: bool = True, vitals: Vitals = VITALS) -> Api:
    tokens, metrics = toy.Tokens(), Metrics(lambda: vitals)
    api = Api(
        toy.ROUTES,
        tokens,
        "services",
        cursor_key=toy.CURSOR_KEY,
        health=toy.ToyHealth(),
        pages={"/metrics": MetricsPage(metrics, tokens, is_open=is_open)},
    )
    api.observers.append(metrics.observe)
    return api


async def scrape(api: Api) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    answer = await toy.call(api, "GET", "/metrics", token=None, headers=AT_HOME)
    assert answer.status == 200, answer.body
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in parse(answer.body.decode())
        for sample in family.samples
    }


def key(name: str, **labels: str) -> tuple[str, frozenset[tuple[str, str]]]:
    return f"doorward_{name}", frozenset(labels.items())


async def test_requests_are_counted_by_route_verb_and_status() -> None:
    api = make()
    for _ in range(3):
        await toy.call(api, "POST", "/toy/echo", body={})
    await toy.call(api, "GET", "/toy/echo")
    await toy.call(api, "POST", "/toy/echo", token=None)
    await toy.call(api, "POST", "/toy/nothing")
    found = await scrape(api)
    counts = {k: v for k, v in found.items() if k[0] == "doorward_requests_total"}
    assert counts == {
        key("requests_total", route="/toy/echo", verb="POST", status="200"): 3,
        key("requests_total", route="/toy/echo", verb="GET", status="200"): 1,
        key("requests_total", route="/toy/echo", verb="POST", status="401"): 1,
        key("requests_total", route="other", verb="POST", status="404"): 1,
    }
    assert found[key("errors_total", type="unauthorized")] == 1
    assert found[key("errors_total", type="not_found")] == 1
    later = await scrape(api)
    assert later[key("requests_total", route="/metrics", verb="GET", status="200")] == 1


async def test_the_time_is_counted_by_route() -> None:
    api = make()
    for _ in range(4):
        await toy.call(api, "POST", "/toy/echo", body={})
    found = await scrape(api)
    assert found[key("request_duration_seconds_count", route="/toy/echo")] == 4
    assert 0 < found[key("request_duration_seconds_sum", route="/toy/echo")] < 60
    bounds = {
        float(dict(labels)["le"])
        for name, labels in found
        if name == "doorward_request_duration_seconds_bucket"
    }
    assert min(bounds) == 0.001
    assert max(bounds - {math.inf}) == 10


async def test_a_long_request_counts_as_long() -> None:
    metrics = Metrics(lambda: VITALS)
    late = Exchange("POST", {}, path="/toy/echo", status=200)
    metrics.observe(replace(late, started=late.started - 0.3))
    (family,) = (
        each
        for each in parse(metrics.show("").body.decode())
        if each.name.endswith("_seconds") and each.name.startswith("doorward")
    )
    buckets = {s.labels["le"]: s.value for s in family.samples if s.name.endswith("_bucket")}
    assert (buckets["0.25"], buckets["0.5"]) == (0, 1)


async def test_the_parts_tell_how_they_are() -> None:
    found = await scrape(make())
    assert found[key("requests_in_flight")] == 3
    assert found[key("database_up")] == 1
    assert found[key("writes_waiting")] == 7
    assert found[key("controllers", state="connected")] == 2
    assert found[key("controllers", state="held")] == 1
    assert found[key("policy_revision_lag")] == 41
    assert found[key("events_spooled")] == 5
    assert found[key("log_lines_lost_total")] == 6
    assert found["process_resident_memory_bytes", frozenset()] > 0
    (build,) = (dict(labels) for name, labels in found if name == "doorward_build_info")
    assert build.keys() == {"version", "python"}
    away = await scrape(make(vitals=replace(VITALS, is_database_up=False)))
    assert away[key("database_up")] == 0


async def test_it_stays_small_whatever_is_asked_for() -> None:
    api = make()
    await toy.call(api, "POST", "/toy/nothing")
    await toy.call(api, "ZAPHOD", "/toy/nothing")
    await scrape(api)
    before = await scrape(api)
    for number in range(1000):
        await toy.call(api, f"VERB{number}" if number % 2 else "POST", f"/toy/{number}")
    after = await scrape(api)
    assert before.keys() == after.keys()
    unknown = key("requests_total", route="other", verb="other", status="404")
    assert after[unknown] - before[unknown] == 500


async def test_errors_that_are_not_documented_share_a_name() -> None:
    metrics = Metrics(lambda: VITALS)
    for kind in ("overloaded", "rate_limit_exceeded", "made_up", "made_up_too"):
        metrics.observe(Exchange("POST", {}, status=503, error=kind))
    (errors,) = (f for f in parse(metrics.show("").body.decode()) if f.name == "doorward_errors")
    assert {s.labels["type"]: s.value for s in errors.samples} == {
        "overloaded": 1,
        "rate_limit_exceeded": 1,
        "other": 2,
    }


def test_a_client_that_hung_up_is_counted_too() -> None:
    metrics = Metrics(lambda: VITALS)
    metrics.observe(Exchange("POST", {}, path="/toy/echo"))
    assert b'doorward_requests_total{route="/toy/echo",status="none",verb="POST"} 1.0' in (
        metrics.show("").body
    )


async def test_a_scrape_by_prometheus_is_openmetrics() -> None:
    forms = (
        "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,"
        "application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=0.0.4;q=0.3,*/*;q=0.2"
    )
    answer = await toy.call(make(), "GET", "/metrics", headers={**AT_HOME, "accept": forms})
    assert answer.headers["content-type"].startswith("application/openmetrics-text; version=1.0.0;")
    families = parse_openmetrics(answer.body.decode())  # type: ignore[no-untyped-call]
    assert "doorward_requests" in {family.name for family in families}


@pytest.mark.parametrize(
    "accept",
    [
        "*/*",
        "",
        "\xe9,;=,",
        "text/plain",
        "application/openmetrics-text; version=planted",
        "application/openmetrics-text; version=9.9.9planted",
        "text/plain; version=a.b.c",
    ],
)
async def test_forms_that_nobody_knows_get_the_plain_one(accept: str) -> None:
    answer = await toy.call(make(), "GET", "/metrics", headers={**AT_HOME, "accept": accept})
    assert answer.status == 200
    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert list(parse(answer.body.decode()))


async def test_get_and_head_alone() -> None:
    api = make()
    head = await toy.call(api, "HEAD", "/metrics", headers=AT_HOME)
    assert (head.status, head.body) == (200, b"")
    assert int(head.headers["content-length"]) > 1000
    assert (await toy.call(api, "POST", "/metrics", headers=AT_HOME)).status == 405


@pytest.mark.parametrize(
    ("is_open", "headers", "is_shown"),
    [
        (True, AT_HOME, True),
        (True, {"host": "localhost"}, True),
        # A proxy on this machine that nobody declared, and a web page by a name that lies.
        (True, {"host": "doors.example.com"}, False),
        (True, {**AT_HOME, "origin": "https://evil.example"}, False),
        (False, AT_HOME, False),
    ],
)
async def test_strangers_need_a_token(
    is_open: bool, headers: Mapping[str, str], is_shown: bool
) -> None:
    api = make(is_open=is_open)
    for token in (None, "seam_unknown"):
        answer = await toy.call(api, "GET", "/metrics", token=token, headers=dict(headers))
        assert answer.status == (200 if is_shown else 401)
    # A token without the scope is as good as none.
    answer = await toy.call(api, "GET", "/metrics", headers=dict(headers))
    assert answer.status == (200 if is_shown else 403)
    assert (answer.json["error"]["type"] == "insufficient_scope") if not is_shown else True


async def test_a_token_with_the_scope_is_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    token: Any = toy.Tokens().by_text[toy.KEY]
    allowed = replace(token, scopes=frozenset({"metrics"}))
    tokens = toy.Tokens()
    tokens.by_text[toy.KEY] = allowed
    monkeypatch.setattr(toy, "Tokens", lambda: tokens)
    answer = await toy.call(make(is_open=False), "GET", "/metrics")
    assert answer.status == 200


async def test_the_names_are_those_of_the_documentation() -> None:
    page = (Path(__file__).parents[2] / "docs" / "operating.md").read_text("utf-8")
    documented = set(re.findall(r"^\| `(doorward_\w+)` \|", page, re.MULTILINE))
    api = make()
    await toy.call(api, "POST", "/toy/nothing")
    shown = {re.sub("_(bucket|sum|count)$", "", name) for name, _ in await scrape(api)}
    assert {name for name in shown if name.startswith("doorward_")} == documented


def test_nothing_is_registered_with_the_library() -> None:
    before = {family.name for family in REGISTRY.collect()}
    make()
    asyncio.run(scrape(make()))
    assert {family.name for family in REGISTRY.collect()} == before
