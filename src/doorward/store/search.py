"""Searching as the API's `search` parameter does: part of a text, or the beginning of an id."""

import re
from typing import Final, NamedTuple
from uuid import UUID

from doorward.store.personal import term_grams
from doorward.store.select import Condition, Select, Source

_MIN_ID_DIGITS: Final = 4

# So many are handed over by id; of more, a page looks for the next ones in order.
_RARE: Final = 5_000


def plain(term: str) -> str:
    """A term as it is looked for: without blanks around it, runs of white space as one blank."""
    return " ".join(term.split())


def contains(text: str, term: str) -> str:
    """A condition: the SQL expression `text` contains the SQL expression `term`, in any case."""
    return f"strpos(lower({text}), lower({term})) > 0"


def id_range(term: str) -> tuple[UUID, UUID] | None:
    """The first and the last id that begins with a term of 4 hexadecimal digits or more."""
    digits = plain(term).lower().replace("-", "")
    if not re.fullmatch(rf"[0-9a-f]{{{_MIN_ID_DIGITS},32}}", digits):
        return None
    return UUID(digits.ljust(32, "0")), UUID(digits.ljust(32, "f"))


def where_matches(select: Select, term: str | None, texts: str, id_column: str) -> None:
    """Adds the search over a small table: in the SQL expression `texts`, or in the id."""
    if term is None:
        return
    found = contains(texts, "{0}")
    ids = id_range(term)
    if ids is None:
        select.where(found, plain(term))
    else:
        select.where(f"{found} or {id_column} between {{1}} and {{2}}", plain(term), *ids)


# About rows `p` of personal: an identity is not found by its e-mail address (seam-api 3.6).
_TEXT: Final = r"""regexp_replace(concat_ws(chr(31), p.full_name, p.phone_number,
  case when p.acs_system_id is not null then p.email_address end), '\s+', ' ', 'g')"""

# An identity's row, said so that no plan goes through all of them by an index of theirs.
_IS_IDENTITYS: Final = "num_nulls(p.acs_system_id) = 1"

# The grams find the rows, the comparison decides. {0}: the grams, {1}: the term.
_FOUND: Final = f"""select p.subject_id from personal p
where p.workspace_id = $1 and p.grams @> {{0}}::text[] and {contains(_TEXT, "{1}")}"""  # noqa: S608

_AMONG: Final = "u.acs_user_id = any ({0}::uuid[]) or u.user_identity_id = any ({0}::uuid[])"
_GATHERED: Final = f"""u.acs_user_id = any (array({_FOUND} and p.acs_system_id is not null))
  or u.user_identity_id = any (array({_FOUND} and {_IS_IDENTITYS}))"""
_MATCHING: Final = f"""exists (select from personal p where p.workspace_id = u.workspace_id
  and p.subject_id in (u.acs_user_id, u.user_identity_id) and {contains(_TEXT, "{0}")})"""
# Found first: of how many lie in a span no plan knows, and may go through everybody in order.
_BY_ID: Final = """ or u.acs_user_id = any (array(select x.acs_user_id from acs_user x
    where x.workspace_id = $1 and x.acs_user_id between {0} and {1}))
  or u.user_identity_id = any (array(select x.user_identity_id from user_identity x
    where x.workspace_id = $1 and x.user_identity_id between {0} and {1}))"""


async def where_user_matches(source: Source, select: Select, workspace_id: UUID, term: str) -> None:
    """Adds the search for people `u`, by name, e-mail, phone and id, their identity's too."""
    forms = _Forms(_AMONG, _MATCHING, _GATHERED, _BY_ID)
    await _where_found(source, select, workspace_id, term, _FOUND, forms)


# About rows `p` of personal that are an identity's.
_IDENTITY_TEXT: Final = r"""regexp_replace(
  concat_ws(chr(31), p.full_name, p.phone_number, p.email_address), '\s+', ' ', 'g')"""
_IDENTITY_FOUND: Final = f"""select p.subject_id from personal p
where p.workspace_id = $1 and {_IS_IDENTITYS} and p.grams @> {{0}}::text[]
  and {contains(_IDENTITY_TEXT, "{1}")}"""  # noqa: S608
_IDENTITY_MATCHING: Final = f"""exists (select from personal p
  where p.workspace_id = n.workspace_id and p.subject_id = n.user_identity_id
  and {contains(_IDENTITY_TEXT, "{0}")})"""
_IDENTITY_AMONG: Final = "n.user_identity_id = any ({0}::uuid[])"
_IDENTITY_GATHERED: Final = f"n.user_identity_id = any (array({_IDENTITY_FOUND}))"
_IDENTITY_BY_ID: Final = """ or n.user_identity_id = any (array(
  select x.user_identity_id from user_identity x
  where x.workspace_id = $1 and x.user_identity_id between {0} and {1}))"""
_BY_SYSTEM: Final = """ or (select true from acs_user u where u.workspace_id = $1
  and u.user_identity_id = n.user_identity_id and u.acs_system_id between {0} and {1} limit 1)"""


async def where_identity_matches(
    source: Source, select: Select, workspace_id: UUID, term: str, *, by_system: bool
) -> None:
    """Adds the search for identities `n`, by name, e-mail, phone and id; by_system: also by the ids
    of the systems that they have users in.
    """
    by_id = _IDENTITY_BY_ID + (_BY_SYSTEM if by_system else "")
    forms = _Forms(_IDENTITY_AMONG, _IDENTITY_MATCHING, _IDENTITY_GATHERED, by_id)
    await _where_found(source, select, workspace_id, term, _IDENTITY_FOUND, forms)


class _Forms(NamedTuple):
    """A search as conditions.

    among: of the ids that were found, {0}. matching: of one row, for the term {0}. gathered: of all
    rows, {0} and {1} as in _FOUND. by_id: of a span of ids.
    """

    among: str
    matching: str
    gathered: str
    by_id: str


async def _where_found(
    source: Source, select: Select, workspace_id: UUID, term: str, found: str, forms: _Forms
) -> None:
    values = (term_grams(workspace_id, term), plain(term))
    ids = id_range(term)
    text = f"{found.format('$2', '$3')} limit {_RARE + 1}"
    rows = await source.fetch(text, workspace_id, *values)
    if len(rows) <= _RARE:
        among = [row["subject_id"] for row in rows]
        condition, arguments = _or_by_id(forms.among, (among,), forms.by_id, ids)
        select.where(condition, *arguments)
    else:
        select.where_rare(
            _or_by_id(forms.matching, values[1:], forms.by_id, ids),
            _or_by_id(forms.gathered, values, forms.by_id, ids),
        )


def _or_by_id(
    condition: str, values: tuple[object, ...], by_id: str, ids: tuple[UUID, UUID] | None
) -> Condition:
    if ids is None:
        return condition, values
    first = len(values)
    return condition + by_id.format(f"{{{first}}}", f"{{{first + 1}}}"), (*values, *ids)
