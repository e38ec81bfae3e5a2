"""Query strings: every form that clients write, and back from what the official client writes."""

from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from seam.null import NULL
from seam.url_search_params_serializer import serialize_url_search_params

from doorward.errors import ApiError
from doorward.wire.links import write_query
from doorward.wire.query import coercions, read_query
from doorward.wire.readers import fields_of
from tests.wire.toy import Everything

KNOWN = coercions(fields_of(Everything))
A, B = "123e4567-e89b-12d3-a456-426614174000", "8d7e0b3a-b889-49a7-9164-4b71a0506a33"


def read(query: str | bytes) -> dict[str, Any]:
    return read_query(query.encode() if isinstance(query, str) else query, KNOWN)


@pytest.mark.parametrize(
    ("query", "values"),
    [
        ("", {}),
        ("_strict=true", {}),
        ("unknown=1&also.unknown=2&list[]=3", {}),
        ("name=a+b%20c%2Bd", {"name": "a b c+d"}),
        ("name=%C3%A9t%C3%A9", {"name": "été"}),
        ("name=%zz", {"name": "%zz"}),
        ("name=a=b", {"name": "a=b"}),
        ("name", {"name": None}),
        ("name=+a+", {"name": " a "}),
        ("name=a&name=b", {"name": ["a", "b"]}),
        ("name.first=a", {"name": {"first": ["a"]}}),
        ("&&name=a&", {"name": "a"}),
    ],
)
def test_text(query: str, values: dict[str, Any]) -> None:
    assert read(query) == values


@pytest.mark.parametrize(
    "name",
    [
        *("settings[a][b]", "settings[a", "settings[a]b", "settings[]]"),
        *("settings[a].b", "settings%5Ba%5D%5Bb%5D", "device_ids[0][1]", "name[", "settings[[a]]"),
    ],
)
def test_brackets_after_a_known_name_are_understood_or_refused(name: str) -> None:
    with pytest.raises(ApiError, match="brackets") as error:
        read(f"{name}=1")
    assert (error.value.status, error.value.kind) == (400, "invalid_query_params")
    assert read(f"x{name}=1") == {}


@pytest.mark.parametrize("text", ["true", "True", "TRUE", "yes", "Yes", "YES", "1", "+true+"])
def test_true(text: str) -> None:
    assert read(f"is_managed={text}") == {"is_managed": True}


@pytest.mark.parametrize("text", ["false", "False", "FALSE", "no", "No", "NO", "0"])
def test_false(text: str) -> None:
    assert read(f"is_managed={text}") == {"is_managed": False}


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("5", 5),
        ("-5", -5),
        ("+5", 5),
        ("%2B5", 5),
        ("5.0", 5),
        ("1e3", 1000),
        ("0.5", 0.5),
        (".5", 0.5),
        (" 7 ".replace(" ", "%20"), 7),
        ("0x10", "0x10"),
        ("1e999", "1e999"),
        ("Infinity", "Infinity"),
        ("nan", "nan"),
        ("٣", "٣"),
        ("1_000", "1_000"),
        ("five", "five"),
        ("", None),
    ],
)
def test_numbers(text: str, number: object) -> None:
    assert read(f"factor={text}") == {"factor": number}


@pytest.mark.parametrize("name", ["name", "count", "is_managed", "created_before", "acs_user_id"])
def test_nothing_after_a_name_is_null(name: str) -> None:
    assert read(f"{name}=") == {name: None}
    assert read(name) == {name: None}


@pytest.mark.parametrize("name", ["count", "is_managed", "created_before", "access_schedule"])
def test_blank_is_null_unless_it_is_text(name: str) -> None:
    assert read(f"{name}=+%20") == {name: None}


@pytest.mark.parametrize(
    ("query", "items"),
    [
        ("labels=a&labels=b", ["a", "b"]),
        ("labels[]=a&labels[]=b", ["a", "b"]),
        ("labels%5B%5D=a&labels%5B%5D=b", ["a", "b"]),
        ("labels=a,b", ["a", "b"]),
        ("labels=a", ["a"]),
        ("labels=", []),
        ("labels=+", []),
        ("labels[]=", []),
        ("labels=a,b&_strict=true", ["a,b"]),
        ("labels=a,b&_strict=false", ["a", "b"]),
        ("labels=a,b&_strict=1", ["a", "b"]),
        ("labels=a,b&_strict=True", ["a", "b"]),
        ("labels=a,b&_strict=", ["a", "b"]),
        ("labels=a,b&_strict=true&_strict=true", ["a", "b"]),
        ("labels=a,b&labels=c", ["a,b", "c"]),
        ("labels=+&_strict=true", [" "]),
        ("labels=&_strict=true", []),
    ],
)
def test_arrays(query: str, items: list[str]) -> None:
    assert read(query) == {"labels": items}


def test_arrays_of_numbers() -> None:
    assert read("counts=1,2") == {"counts": [1, 2]}
    assert read("counts=1&counts=x") == {"counts": [1, "x"]}


@pytest.mark.parametrize(
    ("query", "values"),
    [
        ("custom_metadata_has.k=v&custom_metadata_has.b=true", {"k": "v", "b": "true"}),
        ("custom_metadata_has.k=a&custom_metadata_has.k=b", {"k": ["a", "b"]}),
        ("custom_metadata_has.k.l=v", {"k": {"l": ["v"]}}),
        ("custom_metadata_has[k]=v&custom_metadata_has%5Bb%5D=1", {"k": "v", "b": "1"}),
        ("custom_metadata_has.k[l]=v", {"k[l]": "v"}),
        ("custom_metadata_has.k[]=v", {"k": "v"}),
        ("custom_metadata_has.k[]=v&_strict=true", {"k[]": "v"}),
        ("custom_metadata_has=", None),
        ("custom_metadata_has=x", "x"),
        ("custom_metadata_has=&custom_metadata_has.k=v", ""),
    ],
)
def test_records(query: str, values: object) -> None:
    assert read(query) == {"custom_metadata_has": values}


def test_objects_have_the_types_of_their_members() -> None:
    query = "access_schedule.starts_at=2026-01-01&access_schedule.ends_at=&access_schedule.x=1"
    assert read(query) == {"access_schedule": {"starts_at": "2026-01-01", "ends_at": None}}


def test_free_form_objects_nest() -> None:
    query = "settings.a.b.c=1&settings.a.d=x&settings.a.d=y&settings.e="
    assert read(query) == {"settings": {"a": {"b": {"c": "1"}, "d": ["x", "y"]}, "e": None}}


@pytest.mark.parametrize(
    "query", [b"name=%ff", b"name=\xff", b"%C3=1", b"name=%ED%A0%80", b"name=%00", b"name=\x00"]
)
def test_unreadable_text_is_refused(query: bytes) -> None:
    with pytest.raises(ApiError) as refused:
        read(query)
    assert (refused.value.status, refused.value.kind) == (400, "invalid_query_params")


def test_nesting_is_bounded() -> None:
    assert read("settings" + ".a" * 32 + "=1")
    with pytest.raises(ApiError, match="too deep"):
        read("settings" + ".a" * 34 + "=1")


texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1)
names = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\0.["), min_size=1, max_size=8
).filter(lambda name: not name.endswith("]"))
safe_integers = st.integers(-(2**53 - 1), 2**53 - 1)
numbers = st.floats(allow_nan=False, allow_infinity=False) | safe_integers
# What the official serializer can write; it refuses, leaves out or confuses everything else.
writable = st.fixed_dictionaries(
    {},
    optional={
        "acs_user_id": st.uuids().map(str),
        "name": st.none() | texts,
        "count": st.none() | safe_integers,
        "factor": numbers,
        "is_managed": st.none() | st.booleans(),
        "created_before": st.datetimes().map(lambda moment: f"{moment:%H:%M:%S.%f}"),
        "labels": st.lists(texts),
        "device_ids": st.lists(st.uuids().map(str)),
        "counts": st.lists(safe_integers),
        "custom_metadata_has": st.dictionaries(names, texts, min_size=1),
        "settings": st.dictionaries(
            names, texts | st.dictionaries(names, texts, min_size=1), min_size=1
        ),
        "access_schedule": st.fixed_dictionaries({"starts_at": st.uuids().map(str)}),
    },
)


def as_the_client_wants(values: Any) -> Any:
    """The official client's None leaves a parameter out; its null is an object of its own."""
    return {name: NULL if value is None else value for name, value in values.items()}


@given(writable)
def test_what_the_official_client_writes_is_what_is_read(values: dict[str, Any]) -> None:
    query = serialize_url_search_params(as_the_client_wants(values), strict=True)
    assert read(query) == values


@example({"custom_metadata_has": {"\uffff": "a", "\U00010000": "b"}})
@given(writable.map(lambda values: {k: v for k, v in values.items() if k != "factor"}))
def test_our_own_links_are_written_as_the_official_client_writes(values: dict[str, Any]) -> None:
    expected = serialize_url_search_params(as_the_client_wants(values), strict=True)
    assert write_query(values) == expected


@given(st.dictionaries(st.just("factor"), numbers))
def test_our_own_links_keep_numbers(values: dict[str, Any]) -> None:
    assert read(write_query(values)) == values
