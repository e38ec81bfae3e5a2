"""Values of every type a parameter may have, and Zod's words for those that do not fit."""

from datetime import UTC, datetime, timedelta, timezone, tzinfo
from typing import Annotated, Any
from uuid import UUID

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import inspect

from doorward.resources.values import EARLIEST, LATEST, iso
from doorward.wire.issues import MOST_ISSUES, Invalid
from doorward.wire.readers import build, fields_of, read_fields, reader
from doorward.wire.scalars import COMPARED, read_compared, read_datetime, read_uuid
from tests.wire.toy import Everything, GetUser, Schedule

FIELDS = fields_of(Everything)
ID = "123e4567-e89b-12d3-a456-426614174000"


def read(name: str, value: Any) -> Any:
    return read_fields(FIELDS, {name: value})[name]


def complaints(name: str, value: Any) -> list[str]:
    with pytest.raises(Invalid) as invalid:
        read(name, value)
    return [issue.sentence() for issue in invalid.value.issues]


@pytest.mark.parametrize(
    ("name", "value", "understood"),
    [
        ("acs_user_id", ID, UUID(ID)),
        ("acs_user_id", ID.upper(), UUID(ID)),
        ("name", "Ada", "Ada"),
        ("name", None, None),
        ("digits", "0042", "0042"),
        ("count", 0, 0),
        ("count", 99, 99),
        ("count", 5.0, 5),
        ("factor", 5, 5.0),
        ("factor", 0.5, 0.5),
        ("is_managed", False, False),
        ("created_before", "2026-01-01T00:00:00Z", datetime(2026, 1, 1, tzinfo=UTC)),
        ("state", "open", "open"),
        ("device_ids", [], []),
        ("device_ids", [ID], [UUID(ID)]),
        ("custom_metadata_has", {"a": "x", "b": True}, {"a": "x", "b": True}),
        ("settings", {"a": [1, {"b": None}]}, {"a": [1, {"b": None}]}),
        ("access_schedule", None, None),
        (
            "access_schedule",
            {"starts_at": "2026-01-01", "unknown": 1},
            Schedule(datetime(2026, 1, 1, tzinfo=UTC)),
        ),
    ],
)
def test_what_fits(name: str, value: Any, understood: Any) -> None:
    assert read(name, value) == understood


@pytest.mark.parametrize(
    ("name", "value", "complaint"),
    [
        ("acs_user_id", 5, 'Expected string, received number for "acs_user_id"'),
        ("acs_user_id", None, 'Expected string, received null for "acs_user_id"'),
        ("acs_user_id", "5", 'Invalid uuid for "acs_user_id"'),
        ("acs_user_id", ID.replace("-", ""), 'Invalid uuid for "acs_user_id"'),
        ("acs_user_id", f"{{{ID}}}", 'Invalid uuid for "acs_user_id"'),
        ("name", "", 'String must contain at least 1 character(s) for "name"'),
        ("name", "a" * 21, 'String must contain at most 20 character(s) for "name"'),
        ("name", ["a"], 'Expected string, received array for "name"'),
        ("digits", "4 2", 'Invalid for "digits"'),
        ("count", "5", 'Expected number, received string for "count"'),
        ("count", True, 'Expected number, received boolean for "count"'),
        ("count", 0.5, 'Expected integer, received float for "count"'),
        ("count", -1, 'Number must be greater than or equal to 0 for "count"'),
        ("count", 100, 'Number must be less than 100 for "count"'),
        ("factor", "1", 'Expected number, received string for "factor"'),
        ("factor", 10**400, 'Number must be less than or equal to 9007199254740991 for "factor"'),
        ("is_managed", "true", 'Expected boolean, received string for "is_managed"'),
        ("is_managed", 1, 'Expected boolean, received number for "is_managed"'),
        ("created_before", 5, 'Expected string, received number for "created_before"'),
        ("created_before", "soon", 'Invalid datetime for "created_before"'),
        ("state", 5, "Expected 'open' | 'shut', received number for \"state\""),
        ("state", ["open"], "Expected 'open' | 'shut', received array for \"state\""),
        (
            "state",
            "ajar",
            "Invalid enum value. Expected 'open' | 'shut', received 'ajar' for \"state\"",
        ),
        ("device_ids", ID, 'Expected array, received string for "device_ids"'),
        ("device_ids", [ID, "x"], 'Invalid uuid for "device_ids.1"'),
        ("labels", ["a"] * 5, 'Array must contain at most 4 element(s) for "labels"'),
        ("counts", [2**53], 'Number must be less than or equal to 9007199254740991 for "counts.0"'),
        ("custom_metadata_has", [], 'Expected object, received array for "custom_metadata_has"'),
        ("custom_metadata_has", {"k": 5}, 'Invalid input for "custom_metadata_has.k"'),
        ("access_schedule", {}, "access_schedule.starts_at is required"),
        (
            "access_schedule",
            {"starts_at": "2026-01-02", "ends_at": "2026-01-01"},
            'ends_at must be after starts_at for "access_schedule"',
        ),
    ],
)
def test_what_does_not_fit(name: str, value: Any, complaint: str) -> None:
    assert complaints(name, value) == [complaint]


def test_every_wrong_value_is_told() -> None:
    assert complaints("device_ids", ["x", ID, 5]) == [
        'Invalid uuid for "device_ids.0"',
        'Expected string, received number for "device_ids.2"',
    ]


def test_the_errors_of_one_array_are_bounded() -> None:
    assert len(complaints("device_ids", [1] * 100_000)) == MOST_ISSUES


def test_a_missing_parameter_is_told_unless_it_is_optional() -> None:
    with pytest.raises(Invalid) as invalid:
        read_fields(fields_of(GetUser), {})
    assert [issue.sentence() for issue in invalid.value.issues] == ["acs_user_id is required"]
    assert read_fields(FIELDS, {}) == {}
    assert build(Everything, {}) == Everything()


def test_a_renamed_field_has_its_name_on_the_wire() -> None:
    class Renamed(msgspec.Struct, rename={"from_": "from"}):
        from_: str

    assert build(Renamed, read_fields(fields_of(Renamed), {"from": "a"})) == Renamed("a")


def test_a_type_that_no_parameter_may_have_is_refused_at_start() -> None:
    class Unreadable(msgspec.Struct):
        blob: bytes

    with pytest.raises(TypeError, match="cannot be of"):
        fields_of(Unreadable)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-01-02T03:04:05.678Z", datetime(2026, 1, 2, 3, 4, 5, 678000, UTC)),
        ("2026-01-02T03:04:05.6789012Z", datetime(2026, 1, 2, 3, 4, 5, 678901, UTC)),
        ("2026-01-02t03:04:05z", datetime(2026, 1, 2, 3, 4, 5, 0, UTC)),
        ("2026-01-02T03:04:05+02:00", datetime(2026, 1, 2, 1, 4, 5, 0, UTC)),
        ("2026-01-02T03:04:05-0200", datetime(2026, 1, 2, 5, 4, 5, 0, UTC)),
        ("2026-01-02T03:04", datetime(2026, 1, 2, 3, 4, 0, 0, UTC)),
        ("2026-01-02 03:04:05", datetime(2026, 1, 2, 3, 4, 5, 0, UTC)),
        ("2026-01-02", datetime(2026, 1, 2, 0, 0, 0, 0, UTC)),
    ],
)
def test_times(text: str, moment: datetime) -> None:
    assert read_datetime(text) == moment
    assert read_datetime(text).utcoffset() == timedelta()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2026",
        "20260102",
        "2026-W01-1",
        "2026-13-01",
        "2026-02-30",
        "2026-01-02T25:00",
        "2026-01-02T03:04:05 02:00",
        "2026-01-02T03:04:05.Z",
        "2026-01-02x03:04",
        "٢٠٢٦-01-02",
        "2026-01-02\n",
        "1767323045",
    ],
)
def test_what_is_no_time(text: str) -> None:
    with pytest.raises(Invalid, match="Invalid datetime"):
        read_datetime(text)


EARLY = ("0001-01-01T00:00:00Z", "0001-01-01T00:00:00+14:00", "1969-12-31T23:59:59.999999Z")
LATE = ("9999-12-31T23:59:59.999999Z", "9999-12-31T23:59:59-12:00", "9998-12-31T23:30:00-01:00")


@pytest.mark.parametrize("text", EARLY)
def test_times_before_all_that_can_be_stored(text: str) -> None:
    with pytest.raises(Invalid, match=r"greater than or equal to 1970-01-01T00:00:00\.000Z"):
        read_datetime(text)
    assert read_compared(text) == EARLIEST


@pytest.mark.parametrize("text", LATE)
def test_times_after_all_that_can_be_stored(text: str) -> None:
    with pytest.raises(Invalid, match=r"smaller than or equal to 9998-12-31T23:59:59\.999Z"):
        read_datetime(text)
    assert read_compared(text) == LATEST


def test_the_first_and_the_last_that_can_be_stored() -> None:
    for moment in (EARLIEST, LATEST):
        assert read_datetime(moment.isoformat()) == read_compared(moment.isoformat()) == moment


def test_filters_alone_take_any_time() -> None:
    assert read("created_before", "2026-01-01") == datetime(2026, 1, 1, tzinfo=UTC)
    assert complaints("created_before", EARLY[0])
    compared = inspect.type_info(Annotated[datetime, msgspec.Meta(extra=COMPARED)])
    assert reader(compared)(EARLY[0]) == EARLIEST


@given(st.datetimes(timezones=st.timezones()))
def test_a_time_keeps_its_instant_in_utc(moment: datetime) -> None:
    offset = moment.utcoffset() or timedelta()
    text = moment.replace(tzinfo=timezone(offset - offset % timedelta(minutes=1))).isoformat()
    instant = datetime.fromisoformat(text)
    compared = read_compared(text)
    assert compared.utcoffset() == timedelta()
    assert EARLIEST <= compared <= LATEST
    if EARLIEST <= instant <= LATEST:
        assert read_datetime(text) == compared == instant
    else:
        with pytest.raises(Invalid, match="Date must be"):
            read_datetime(text)


@given(st.uuids())
def test_ids_are_read_in_either_case(value: UUID) -> None:
    assert read_uuid(str(value)) == read_uuid(str(value).upper()) == value


@given(st.text(alphabet="0123456789abcdefABCDEF-", max_size=40))
def test_no_other_form_of_id_is_read(text: str) -> None:
    try:
        understood = read_uuid(text)
    except Invalid:
        return
    assert text.lower() == str(understood)


@pytest.mark.parametrize("zone", [UTC, None])
def test_whatever_is_stored_can_be_shown(zone: tzinfo | None) -> None:
    first, last = datetime(1, 1, 1), datetime(9999, 12, 31, 23, 59, 59, 999999)  # noqa: DTZ001
    assert iso(first.replace(tzinfo=zone)) == "0001-01-01T00:00:00.000Z"
    assert iso(last.replace(tzinfo=zone)) == "9999-12-31T23:59:59.999Z"
