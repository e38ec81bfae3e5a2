"""Search by n-grams finds every text that contains the term, in one workspace alone."""

from uuid import uuid4

from hypothesis import given
from hypothesis import strategies as st

from doorward.store.personal import Personal, grams, normalise, personal_hash, term_grams

W = uuid4()


@given(st.text(min_size=1), st.data())
def test_a_term_cut_from_a_text_has_only_grams_of_that_text(text: str, data: st.DataObject) -> None:
    whole = normalise(text)
    start = data.draw(st.integers(0, len(whole)))
    end = data.draw(st.integers(start, len(whole)))
    assert set(term_grams(W, whole[start:end])) <= set(grams(W, text))


@given(st.text(min_size=1))
def test_workspaces_share_no_gram(text: str) -> None:
    assert not set(grams(W, text)) & set(grams(uuid4(), text))


@given(st.lists(st.one_of(st.none(), st.text()), min_size=3, max_size=3), st.data())
def test_the_hash_tells_values_apart(values: list[str | None], data: st.DataObject) -> None:
    one = Personal(*values)
    other = Personal(*data.draw(st.permutations([v or "" for v in values])))
    same = [v or "" for v in values] == [
        other.full_name or "",
        other.email_address or "",
        other.phone_number or "",
    ]
    assert (personal_hash(b"salt", one) == personal_hash(b"salt", other)) == same
    assert personal_hash(b"salt", one) != personal_hash(b"pepper", one)
