"""The committed page of errata is the one that the catalogue generates."""

import re
from pathlib import Path

from dekderive.theorems import CATALOGUE, Standing
from dekderive.theorems.errata import page

PAGE = Path(__file__).resolve().parents[2] / "docs/errata.md"


def test_the_page_is_fresh():
    # python -m dekderive.theorems.errata > docs/errata.md
    assert PAGE.read_text(encoding="utf-8") == page()


def test_everything_that_is_not_right_has_an_entry():
    text = PAGE.read_text(encoding="utf-8")
    for theorem in CATALOGUE:
        assert (f"· `{theorem.key}`" in text) == (theorem.standing is not Standing.RIGHT), theorem.key
    assert text.count("**Counterexample.**") == sum(theorem.standing.fails for theorem in CATALOGUE)


def test_the_numbers_are_on_the_page():
    text = PAGE.read_text(encoding="utf-8")
    for number in ("1.811590082982", "25/36", "49/36", "1.9016", "determinant -1", "1/12", "28/25", "0.9999977"):
        assert number in text, number


def test_no_markdown_is_left_to_chance():
    body = PAGE.read_text(encoding="utf-8").split("\n## ", 1)[1]
    assert not re.search(r"(?<!\\)<(?!!)", re.sub(r"`[^`]*`", "", body))
    assert not re.search(r"\w(?<!\\)_\w", re.sub(r"`[^`]*`", "", body))
