"""The parameters of one route: query and body merged, read into the route's request struct.

Which types a request struct may use is told in doorward.wire.readers. The parameters of paging
are added here to every route that has pages, so that request structs do not repeat them.
"""

from dataclasses import dataclass
from typing import Annotated, Any

import msgspec
from msgspec import UNSET, UnsetType

from doorward.wire.issues import Invalid, refusal
from doorward.wire.query import coercions, read_query
from doorward.wire.readers import Field, build, fields_of, read_fields

# The API names no maximum; a page of this many rows is still answered in a fraction of a second.
LARGEST_PAGE = 1000


@dataclass(frozen=True, slots=True)
class Given:
    """What a call asks for: the request struct, and for a paged list its limit and cursor.

    `limit` is 0 where there are no pages; `page_cursor` is None for the first one.
    """

    request: Any
    limit: int = 0
    page_cursor: str | None = None


class Parameters:
    """Reads the parameters of one route; made once, when the route table is."""

    def __init__(self, request: type[msgspec.Struct], page_limit: int | None) -> None:
        self._request = request
        self._page_limit = page_limit
        paging = () if page_limit is None else fields_of(paging_parameters(page_limit))
        self.fields: tuple[Field, ...] = (*fields_of(request), *paging)
        self._coercions = coercions(self.fields)

    def read(self, query: bytes, body: dict[str, Any]) -> Given:
        """What query string and body ask for; where both name a parameter, the body counts.

        Raises ApiError 400 `invalid_input` with every issue, or `invalid_query_params`.
        """
        values = read_query(query, self._coercions)
        try:
            return self._given(read_fields(self.fields, values | body if values else body))
        except Invalid as invalid:
            raise refusal(invalid.issues) from None

    def _given(self, found: dict[str, Any]) -> Given:
        if self._page_limit is None:
            return Given(build(self._request, found))
        limit = found.pop("limit", self._page_limit)
        page_cursor = found.pop("page_cursor", None)
        return Given(build(self._request, found), limit, page_cursor)


def largest_page(page_limit: int) -> int:
    """The most rows that a page can be asked for, where `page_limit` is the default."""
    return max(page_limit, LARGEST_PAGE)


def paging_parameters(page_limit: int) -> type[msgspec.Struct]:
    """A struct of the parameters that every paged list has."""
    limit = Annotated[
        int,
        msgspec.Meta(
            gt=0,
            le=largest_page(page_limit),
            description="The most rows that a page has.",
            extra_json_schema={"default": page_limit},
        ),
    ]
    cursor = Annotated[
        str | None,
        msgspec.Meta(
            description="Where the page starts: the previous page's `next_page_cursor`; all other "
            "parameters must be the same as there."
        ),
    ]
    return msgspec.defstruct(
        "PagingParameters",
        [("limit", limit | UnsetType, UNSET), ("page_cursor", cursor | UnsetType, UNSET)],
    )
