"""Options of `doorward api` to the JSON that is sent."""

from typing import Any

import pytest

from doorward.cli.parameters import parameters, read
from doorward.errors import StartError
from tests.cli.table import GET_USER, LIST_USERS

KNOWN = parameters(LIST_USERS)


@pytest.mark.parametrize(
    ("tokens", "sent"),
    [
        ([], {}),
        (["--search", "jane doe"], {"search": "jane doe"}),
        (["--search=a=b"], {"search": "a=b"}),
        (["--search="], {"search": ""}),
        (["--search", "null"], {"search": "null"}),
        (["--page-cursor", "null"], {"page_cursor": None}),
        (["--page_cursor", "x"], {"page_cursor": "x"}),
        (["--limit", "20"], {"limit": 20}),
        (["--limit", "-1"], {"limit": -1}),
        (["--acs-user-ids", "a,b"], {"acs_user_ids": ["a", "b"]}),
        (["--acs_user_ids", "a", "--acs-user-ids", "b"], {"acs_user_ids": ["a", "b"]}),
        (["--acs-user-ids", ""], {"acs_user_ids": []}),
        (["--is-suspended", "--limit", "1"], {"is_suspended": True, "limit": 1}),
        (["--is-suspended"], {"is_suspended": True}),
        (["--is-suspended", "false"], {"is_suspended": False}),
        (["--is-suspended=TRUE"], {"is_suspended": True}),
        (["--created-before", "2026-01-31"], {"created_before": "2026-01-31"}),
        (["--order", "size"], {"order": "size"}),
        (["--custom-metadata-has", '{"k":"v"}'], {"custom_metadata_has": {"k": "v"}}),
    ],
    ids=str,
)
def test_values_take_the_form_of_their_type(tokens: list[str], sent: dict[str, Any]) -> None:
    assert read(tokens, KNOWN) == sent


@pytest.mark.parametrize(
    ("tokens", "message"),
    [
        (["--limit"], "--limit needs a value"),
        (["--limit", "--search", "x"], "--limit needs a value"),
        (["--limit", "many"], "--limit takes a value of type integer"),
        (["--is-suspended", "perhaps"], "--is_suspended takes a value of type boolean"),
        (["--custom-metadata-has", "k=v"], "--custom_metadata_has takes a value of type object"),
        (["--custom-metadata-has", "[1]"], "--custom_metadata_has takes a value of type object"),
        (["--search", "a", "--search", "b"], "--search is given twice"),
        (["--serch", "a"], "this call has no parameter --serch; did you mean --search?"),
        (["--zzz", "a"], "this call has no parameter --zzz"),
        (["--search", "a", "b"], "b is no option; options begin with --"),
        (["-s", "a"], "-s is no option; options begin with --"),
    ],
    ids=str,
)
def test_what_cannot_be_read_is_refused(tokens: list[str], message: str) -> None:
    with pytest.raises(StartError) as refused:
        read(tokens, KNOWN)
    assert str(refused.value) == message


def test_types_are_told_as_the_api_names_them() -> None:
    assert {parameter.name: parameter.kind for parameter in KNOWN} == {
        "search": "text",
        "acs_user_ids": "list of uuid",
        "is_suspended": "boolean",
        "created_before": "time",
        "order": "age|name",
        "custom_metadata_has": "object",
        "limit": "integer",
        "page_cursor": "text or null",
    }


def test_what_must_be_given_is_known() -> None:
    assert [parameter.is_required for parameter in parameters(GET_USER)] == [True]
    assert not any(parameter.is_required for parameter in KNOWN)
