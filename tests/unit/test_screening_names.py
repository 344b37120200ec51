"""Names by kind of variation: what is written, what is compared, who is found."""

from math import log

import pytest

from deploy.screening import evaluate
from tests.naive.screening import best_scores
from udfs.screening import words
from udfs.screening.listed import Entry
from udfs.screening.names import LONGEST, normalise
from udfs.screening.score import INITIAL
from udfs.screening.screener import Screener
from udfs.screening.sound import skeleton, sound
from udfs.screening.tokens import HEARD, likeness


@pytest.mark.parametrize(
    ("written", "compared"),
    [
        ("Dr. Юрий Щукин", "yuriy shchukin"),
        ("Хрущёв", "khrushchev"),
        ("معمر القذافي", "mmr al qdhafy"),
        ("عبد الرحمن", "abdrhmn"),
        ("Παύλος Μπάμπης", "pavlos bampis"),
        ("习近平", "xi jin ping"),
        ("Xí Jìnpíng", "xi jinping"),
        ("김종활", "gim jong hwal"),
        ("\uff29\uff56\uff41\uff4e\u3000Petrov", "ivan petrov"),
        ("Müller-Lüdenscheidt", "muller ludenscheidt"),
        ("O'Brien O\u2019Brien", "obrien obrien"),
        ("Abd al-Rahman as-Sadat", "abdrahman al sadat"),
        ("Abdurrahman El Sadat", "abdrahman al sadat"),
        ("ACME Trading Co., L.L.C.", "acme trading co"),
        ("Banco X S. A.", "banco x sa"),
        ("Foo G.m.b.H. & Co. KG", "foo co kg"),
        ("M/V Ocean Star", "ocean star"),
        ("J.R.R. Tolkien", "j r r tolkien"),
        ("H.E. Sheikh Hamdan", "sheikh hamdan"),
        ("GmbH", "gmbh"),
        ("", ""),
        ("... -- !", ""),
        ("\u200b\u202e", ""),
        ("c1:" + "a" * 43, ""),
        ("c1:" + "a" * 42, "c1 " + "a" * 42),
    ],
)
def test_what_is_compared_of_a_name(written, compared):
    assert normalise(written).text == compared


def test_a_name_is_cut_after_so_many_words_and_hostile_text_is_only_text():
    assert len(normalise("a b " * 1_000).tokens) == LONGEST
    for text in ("\ud7ff\U0010ffff\x00" * 50, "(" * 140, "Ab'" * 46, "\u0627" * 70, "a." * 70):
        normalise(text)


@pytest.mark.parametrize(
    "same",
    [
        ("qaddafi", "gaddafi", "kadhafi"),
        ("yevgeniy", "evgeny", "evgenii", "evgeni"),
        ("hussein", "husayn", "hossein", "hussain"),
        ("tchaikovsky", "chaykovskiy"),
        ("mueller", "muller"),
        ("maria", "mariya", "marija"),
        ("sherif", "cherif"),
        ("yuri", "yuriy", "iouri"),
    ],
)
def test_ways_of_writing_a_name_that_sound_the_same(same):
    assert len({sound(token) for token in same}) == 1
    assert all(likeness(one, other, False) >= HEARD for one in same for other in same)


@pytest.mark.parametrize("apart", [("hassan", "hussein"), ("yang", "zhang"), ("petrov", "sidorov")])
def test_other_names_do_not(apart):
    assert likeness(*apart, False) < HEARD


def test_scripts_without_vowels_are_compared_by_consonants():
    arabic = normalise("خالد منصور").tokens
    assert [skeleton(token) for token in arabic] == ["kld", "mnsr"]
    assert likeness(arabic[0], "khalid", True) > 0.9
    assert likeness(arabic[0], "khalid", False) < likeness(arabic[0], "khalid", True)


@pytest.mark.parametrize(("short", "far"), [("li", "lu"), ("wei", "mei"), ("kim", "tim")])
def test_short_tokens_must_be_nearly_the_same(short, far):
    assert likeness(short, far, False) == 0.0


LISTED = [
    ("P1", "Ivan Petrov", ()),
    ("P2", "محمد حسين الزهراوي", ("Mohammed Hussein al-Zahrawi",)),
    ("P3", "Wang Xiaoming", ()),
    ("P4", "Abd al-Qadir bin Yusuf al-Tamrani", ()),
    ("F1", "Veldora Trading", ("Veldora Trading FZE",)),
    ("V1", "Ocean Zephyra 7", ()),
]
SCREENER = Screener(
    [
        Entry(id=i, name=n, aliases=list(a), kind="PERSON", category="SANCTION")
        for i, n, a in LISTED
    ],
    850_000,
)


def found(name):
    return [hit.entry.id for hit in SCREENER.hits(name) or ()]


@pytest.mark.parametrize(
    ("variation", "name", "listed"),
    [
        ("order", "PETROV, Ivan", "P1"),
        ("order", "al-Zahrawi Hussein Mohammed", "P2"),
        ("order", "Xiaoming Wang", "P3"),
        ("glued", "IvanPetrov", "P1"),
        ("glued", "petrovivan", "P1"),
        ("glued", "Wang Xiao Ming", "P3"),
        ("glued", "wangxiaoming", "P3"),
        ("glued", "Vel Dora Trading", "F1"),
        ("initials", "I. Petrov", "P1"),
        ("initials", "Petrov I", "P1"),
        ("initials", "M. H. al-Zahrawi", "P2"),
        ("transliteration", "Iwan Petrow", "P1"),
        ("transliteration", "Иван Петров", "P1"),
        ("transliteration", "Muhammad Husayn El Zahraoui", "P2"),
        ("transliteration", "Abdelkader ben Youssef Tamrani", "P4"),
        ("script", "王晓明", "P3"),
        ("script", "محمد حسين الزهراوي", "P2"),
        ("typing error", "Ivan Pertov", "P1"),
        ("typing error", "Ivan Petrovv", "P1"),
        ("typing error", "Ivn Petrov", "P1"),
        ("form", "Veldora Trading Corp", "F1"),
        ("form", "VELDORA TRADING CO., LTD.", "F1"),
        ("form", "Veldora Trading GmbH & Co. KG", "F1"),
        ("form", "M/V OCEAN ZEPHYRA 7", "V1"),
        ("parts left out", "Abdulqadir al-Tamrani", "P4"),
        ("title", "Dr. Ivan Petrov", "P1"),
    ],
)
def test_variations_of_a_listed_name_are_found(variation, name, listed):
    assert found(name) == [listed], variation


@pytest.mark.parametrize(
    "name",
    [
        "Ivan Sidorov",
        "Oleg Petrov",
        "Petrov",
        "Ivan",
        "Wang Dawei",
        "Wang",
        "Veldman Shipping",
        "General Trading FZE",
        "Ocean Zephyra 8",
        "Ocean Zephyra",
        "Ocean Marlena 7",
        "Yusuf al-Qadir",
    ],
)
def test_names_that_only_look_alike_are_not(name):
    assert found(name) == []


def test_the_score_is_what_its_formula_says():
    """Every token of this list is in one name of what counts as 1,000: ln(1001/2) / ln(1001)."""
    w = log(1_001 / 2) / log(1_001)
    (hit,) = SCREENER.hits("I. Petrov")
    initial = words.weight("i")
    assert initial == 0.25
    mine, theirs = initial * INITIAL + w, w * INITIAL + w
    both = (mine + theirs) / (initial + w + 2 * w)
    one = mine / (initial + w)
    assert hit.score.both == round(both * 1e6)
    assert hit.score.one == round(one * 1e6)
    assert hit.score.value == round((both + (one - both) / 2) * 1e6) == 939_270


def test_the_threshold_itself_is_a_hit_and_one_more_is_not():
    entries = [hit.entry for hit in SCREENER.hits("Ivan Petrov")]
    assert Screener(entries, 939_270).hits("I. Petrov") != ()
    assert Screener(entries, 939_271).hits("I. Petrov") == ()


def test_a_name_that_came_before_is_remembered_and_the_memory_is_bounded(monkeypatch):
    import udfs.screening.screener as module

    monkeypatch.setattr(module, "_REMEMBERED", 10)
    screener = Screener([hit.entry for hit in SCREENER.hits("Ivan Petrov")], 850_000)
    first = screener.hits("Ivan Petrov")
    assert screener.hits("Ivan Petrov") is first
    for number in range(100):
        screener.hits(f"Somebody No{number} Else")
    assert len(screener._known) <= 11
    assert len(screener._like) <= 11
    assert screener.hits("Ivan Petrov") == first


def test_the_index_loses_hardly_any_hit_that_comparing_with_all_would_find():
    entries = evaluate.entries()
    screener = Screener(entries, 850_000)
    whole = lost = 0
    for pair in evaluate.pairs()[::4]:
        scores = best_scores(screener, entries, pair.name)
        asked = {name: value for name, value in scores.items() if value >= 850_000}
        hits = {hit.entry.id: hit.score.value for hit in screener.hits(pair.name)}
        whole += len(asked)
        lost += len(asked.items() - hits.items())
        assert hits.keys() <= asked.keys()
    assert whole > 100
    assert lost <= whole * 0.01
