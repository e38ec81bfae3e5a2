"""Searching credentials: by part of the name, by the whole number, by the beginning of an id."""

from typing import Final
from uuid import UUID

from doorward.store import search
from doorward.store.select import Select, Source

# So many are handed over by id; of more, a page looks for the next ones in order.
_RARE: Final = 5_000

# {0}: the term, {1}: keyed hashes of the numbers that it can be, {2} to {3}: a span of ids. Each
# part reads one index: names are few, and searched by their grams; a credential's own id and its
# owner's begin alike. {limit}: of each part and each name.
_FOUND: Final = f"""
(select c.acs_credential_id as id from acs_credential c
  where c.workspace_id = $1 and c.lookup = any ({{1}}::bytea[]) {{limit}})
union all
(select c.acs_credential_id from credential_name n
  cross join lateral (
    select c.acs_credential_id from acs_credential c
    where c.workspace_id = n.workspace_id and c.display_name = n.display_name
    order by c.acs_credential_id {{limit}}
  ) c
  where n.workspace_id = $1 and n.grams @> term_grams($1, lower({{0}}))
    and {search.contains("n.display_name", "{0}")} {{limit}})
union all
(select c.acs_credential_id from acs_credential c
  where c.workspace_id = $1 and c.acs_credential_id between {{2}} and {{3}} {{limit}})
union all
(select c.acs_credential_id from acs_credential c
  where c.workspace_id = $1 and c.acs_user_id between {{2}} and {{3}} {{limit}})"""  # noqa: S608

_AMONG: Final = "c.acs_credential_id = any ({0}::uuid[])"
_MATCHING: Final = f"""{search.contains("c.display_name", "{0}")}
  or c.lookup = any ({{1}}::bytea[])
  or c.acs_credential_id between {{2}} and {{3}} or c.acs_user_id between {{2}} and {{3}}"""
_GATHERED: Final = f"c.acs_credential_id = any (array({_FOUND.replace('{limit}', '')}))"


async def where_matches(
    source: Source, select: Select, workspace_id: UUID, term: str, lookups: list[bytes]
) -> None:
    """Adds the search over credentials `c`; lookups: the hashes of the numbers that the term is."""
    # No id lies between the greatest and the smallest.
    first, last = search.id_range(term) or (UUID(int=2**128 - 1), UUID(int=0))
    values = (search.plain(term), lookups, first, last)
    limit = f"limit {_RARE + 1}"
    found = _FOUND.format("$2", "$3", "$4", "$5", limit=limit)
    rows = await source.fetch(f"select id from ({found}) found {limit}", workspace_id, *values)  # noqa: S608
    if len(rows) > _RARE:
        select.where_rare((_MATCHING, values), (_GATHERED, values))
    else:
        select.where(_AMONG, [row["id"] for row in rows])
