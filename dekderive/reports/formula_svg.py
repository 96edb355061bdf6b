"""LaTeX -> SVG with outlined glyphs: the same picture in every browser, with no font and no script to load."""

from __future__ import annotations

import html
import re
from typing import Any

from dekderive.reports.extras import matplotlib_module

__all__ = ["FormulaSetter"]

_UNITS = 100.0  # of the glyph outlines, to the em


class FormulaSetter:
    """Typesets formulas for one page, and collects each glyph's outline once for all of them.

    Examples
    --------
    >>> setter = FormulaSetter()
    >>> picture = setter.svg(r"k_{xx}")
    >>> picture.startswith("<svg"), "<use" in picture, "<path" in setter.definitions()
    (True, True, True)
    """

    def __init__(self) -> None:
        fonts = matplotlib_module("font_manager")
        self._path = matplotlib_module("textpath").TextToPath()
        self._properties = fonts.FontProperties(size=_UNITS, math_fontfamily="cm")
        self._glyphs: dict[str, Any] = {}
        self._names: dict[str, str] = {}

    def svg(self, latex: str) -> str:
        """Return an inline SVG of one line of LaTeX, scaled in em and aligned to the baseline of the text around it.

        A line that mathtext cannot set is returned as its source in ``<code>``: readable, if not pretty.
        """
        text = f"${_mathtext(latex)}$"
        label = html.escape(latex, quote=True)
        try:
            width, height, descent = self._path.get_text_width_height_descent(text, self._properties, ismath=True)
            placed, self._glyphs, rectangles = self._path.get_glyphs_mathtext(
                self._properties, text, glyph_map=self._glyphs
            )
        except ValueError:
            return f"<code>{html.escape(latex)}</code>"
        parts = [self._use(*glyph) for glyph in placed]
        parts += [self._bar(vertices) for vertices, _ in rectangles]
        margin = 0.06 * _UNITS
        box = f"{-margin:.0f} {-(height - descent) - margin:.0f} {width + 2 * margin:.0f} {height + 2 * margin:.0f}"
        style = (
            f"width:{(width + 2 * margin) / _UNITS:.3f}em;height:{(height + 2 * margin) / _UNITS:.3f}em;"
            f"vertical-align:{-(descent + margin) / _UNITS:.3f}em"
        )
        return (
            f'<svg class="formula" role="img" aria-label="{label}" viewBox="{box}" style="{style}">'
            f"<title>{html.escape(latex)}</title>{''.join(parts)}</svg>"
        )

    def definitions(self) -> str:
        """Return the hidden SVG with the outlines that the formulas so far refer to; put it once on the page."""
        outlines = "".join(
            f'<path id="{name}" d="{_outline(*self._glyphs[key])}"/>' for key, name in self._names.items()
        )
        return f'<svg width="0" height="0" style="position:absolute" aria-hidden="true"><defs>{outlines}</defs></svg>'

    def _use(self, key: str, x: float, y: float, scale: float) -> str:
        name = self._names.setdefault(key, f"g{len(self._names)}")
        size = "" if abs(scale - 1) < 1e-9 else f" scale({scale:.3g})"
        return f'<use href="#{name}" transform="translate({x:.1f} {-y:.1f}){size}"/>'

    @staticmethod
    def _bar(vertices: Any) -> str:
        xs, ys = [v[0] for v in vertices[:4]], [v[1] for v in vertices[:4]]
        left, bottom, width, height = min(xs), min(ys), max(xs) - min(xs), max(ys) - min(ys)
        return f'<rect x="{left:.1f}" y="{-bottom - height:.1f}" width="{width:.1f}" height="{max(height, 3.5):.1f}"/>'


def _mathtext(latex: str) -> str:
    """Adapt LaTeX to matplotlib's dialect: outer fractions in display size, a space after a sign that opens a line."""
    source = re.sub(r"^([+-]) ", r"\1\\;", latex)
    # A function after a factor needs a thin space, which mathtext does not give it.
    source = re.sub(r"(?<=[\w})]) (?=\\(?:arc(?:sin|cos|tan)|sin|cos|tan|log|exp|min|operatorname))", r"\\,", source)
    parts, position = [], 0
    groups: list[str] = []  # what each open brace belongs to
    opens = "plain"  # what the next brace will belong to
    for match in re.finditer(r"\\frac(?=\{)|[\^_](?=\{)|[{}]", source):
        parts.append(source[position : match.start()])
        token, position = match.group(), match.end()
        if token == "{":
            groups.append(opens)
            opens = "plain"
        elif token == "}":
            opens = "denominator" if groups and groups.pop() == "numerator" else "plain"
        elif token == r"\frac":
            token = r"\dfrac" if set(groups) <= {"plain"} else token
            opens = "numerator"
        else:
            opens = "script"
        parts.append(token)
    return "".join(parts) + source[position:]


def _outline(vertices: Any, codes: Any) -> str:
    """SVG path data with y downwards: move, line, quadratic, cubic, close."""
    letters, lengths = {1: "M", 2: "L", 3: "Q", 4: "C", 79: "Z"}, {1: 1, 2: 1, 3: 2, 4: 3, 79: 1}
    parts, i = [], 0
    while i < len(codes):
        code = int(codes[i])
        count = lengths[code]
        points = " ".join(f"{v[0]:.0f} {-v[1]:.0f}" for v in vertices[i : i + count])
        parts.append(letters[code] if code == 79 else letters[code] + points)
        i += count
    return "".join(parts)
