"""Searching as the API's `search` parameter does: part of a text, or the beginning of an id."""

import re
from typing import Final
from uuid import UUID

from doorward.store.personal import term_grams
from doorward.store.select import Select, Source

_MIN_ID_DIGITS: Final = 4

# Beyond so many people, going through all of them in order finds a page sooner.
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

# The grams find the rows, the comparison decides.
_CANDIDATES: Final = f"""
select p.subject_id from personal p
where p.workspace_id = $1 and p.grams @> $2::text[] and {{matches}}
limit {_RARE + 1}"""  # noqa: S608

_AMONG: Final = "u.acs_user_id = any ({0}::uuid[]) or u.user_identity_id = any ({0}::uuid[])"
_MATCHING: Final = f"""exists (select from personal p where p.workspace_id = u.workspace_id
  and p.subject_id in (u.acs_user_id, u.user_identity_id) and {contains(_TEXT, "{0}")})"""
_BY_ID: Final = " or u.acs_user_id between {1} and {2} or u.user_identity_id between {1} and {2}"


async def where_user_matches(source: Source, select: Select, workspace_id: UUID, term: str) -> None:
    """Adds the search for people `u`, by name, e-mail, phone and id, their identity's too."""
    ids = id_range(term)
    found = await _candidates(source, workspace_id, term, contains(_TEXT, "$3"))
    by_id = "" if ids is None else _BY_ID
    if found is not None:
        select.where(_AMONG + by_id, found, *(ids or ()))
    else:
        select.where(_MATCHING + by_id, plain(term), *(ids or ()))


# About rows `p` of personal that are an identity's.
_IDENTITY_TEXT: Final = r"""regexp_replace(
  concat_ws(chr(31), p.full_name, p.phone_number, p.email_address), '\s+', ' ', 'g')"""
_IDENTITY_MATCHING: Final = f"""exists (select from personal p
  where p.workspace_id = n.workspace_id and p.subject_id = n.user_identity_id
  and {contains(_IDENTITY_TEXT, "{0}")})"""
_IDENTITY_BY_ID: Final = " or n.user_identity_id between {1} and {2}"
_BY_SYSTEM: Final = """ or (select true from acs_user u where u.workspace_id = $1
  and u.user_identity_id = n.user_identity_id and u.acs_system_id between {1} and {2} limit 1)"""


async def where_identity_matches(
    source: Source, select: Select, workspace_id: UUID, term: str, *, by_system: bool
) -> None:
    """Adds the search for identities `n`, by name, e-mail, phone and id; by_system: also by the ids
    of the systems that they have users in.
    """
    ids = id_range(term)
    matches = f"p.acs_system_id is null and {contains(_IDENTITY_TEXT, '$3')}"
    found = await _candidates(source, workspace_id, term, matches)
    by_id = "" if ids is None else _IDENTITY_BY_ID + (_BY_SYSTEM if by_system else "")
    if found is not None:
        among = "n.user_identity_id = any ({0}::uuid[])"
        select.where(among + by_id, found, *(ids or ()))
    else:
        select.where(_IDENTITY_MATCHING + by_id, plain(term), *(ids or ()))


async def _candidates(
    source: Source, workspace_id: UUID, term: str, matches: str
) -> list[UUID] | None:
    """Whose values match, by id; None where these are too many to be looked up one by one."""
    text = _CANDIDATES.format(matches=matches)
    found = await source.fetch(text, workspace_id, term_grams(workspace_id, term), plain(term))
    return [row["subject_id"] for row in found] if len(found) <= _RARE else None
