"""Parts of sentences: names that can't turn the sentence round, and numbers."""

from __future__ import annotations

import unicodedata

import pytest

from isexplore.collapse.words import number, of_classes, percent, short, signed

TURNS = [
    chr(code)
    for code in range(0x1_0000)
    if unicodedata.bidirectional(chr(code)) in {"LRE", "LRO", "RLE", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}
] + ["\u061c", "\u200e", "\u200f"]  # and the marks


@pytest.mark.parametrize("turn", TURNS, ids=unicodedata.name)
def test_a_name_does_not_turn_round_what_follows(turn: str) -> None:
    assert short(f"{turn}e{turn}vil{turn}") == "evil"
    assert short(turn) == short(f" {turn} ") == "(no name)"


def test_twelve_characters_turn_and_letters_of_all_scripts_stay() -> None:
    assert len(TURNS) == 12
    assert short("חתול قط 猫 é 👩\u200d🔬") == "חתול قط 猫 é 👩\u200d🔬"


def test_a_long_name_is_cut_by_what_is_left_of_it() -> None:
    assert short("a\u202e" * 60) == "a" * 60
    assert short("a\u202e" * 61) == "a" * 59 + "…"


def test_numbers_are_written_in_one_way() -> None:
    assert (number(999), number(1000), number(12_345.6)) == ("999", "1,000", "12,346")
    assert of_classes(1200, 21_841) == "1,200 of 21,841 classes are"
    assert (percent(0.131), percent(1)) == ("13.1 %", "100.0 %")
    assert (signed(-0.2324), signed(0.5)) == ("−0.232", "+0.500")
