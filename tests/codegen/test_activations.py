"""The page of activations: its rows are derived, and the page that is committed is the one that would be written."""

from pathlib import Path

import pytest

from codegen.activations import ACTIVATIONS, PAGE, activations_page, row

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / PAGE).read_text(encoding="utf-8")


def test_every_activation_has_a_row():
    for texts in ACTIVATIONS.values():
        for text in texts:
            assert f"| `{text}` |" in TEXT


def same(line, other):
    """Equal but for the error, which may differ by a power of ten from one machine to another."""
    if not line.startswith("| `"):
        return line == other
    (left, error), (right, other_error) = (text.rstrip(" |").rsplit("|", 1) for text in (line, other))
    return left == right and 0.05 < float(error) / float(other_error) < 20


@pytest.mark.parametrize("text", ["erf(z)", "silu(z)"])
def test_a_row_is_current(text):
    line = str(row(text))
    assert any(same(line, other) for other in TEXT.splitlines() if other.startswith("| `"))


def test_nothing_is_open_and_nothing_is_inaccurate():
    rows = [line for line in TEXT.splitlines() if line.startswith("| `")]
    assert not any("open:" in line for line in rows)
    assert {line.rsplit("|", 2)[1].strip() for line in rows} <= {"1e-15", "1e-14", "1e-13", "1e-12"}


@pytest.mark.slow
def test_the_page_is_current():
    lines = activations_page().splitlines()
    assert len(lines) == len(TEXT.splitlines())
    assert all(map(same, lines, TEXT.splitlines()))
