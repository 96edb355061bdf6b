r"""From complex exponentials and error functions, in conjugate pairs, to real terms.

Sines and cosines enter the engine as exponentials.  A wave meets a gate whose threshold is at a distance, or one that
is tilted by an exponential, in Phi(x + i y) with both parts present; such a term and its conjugate are

.. math:: (\alpha + i \beta)\, e^{E} \Phi(\zeta) + \text{conjugate}
          = \alpha \operatorname{Re} F - \beta \operatorname{Im} F, \qquad
          F = e^{E - \zeta^2/2} \operatorname{erfcx}(-\zeta/\sqrt2).

The exponent of F is formed in the field, where what cancels in it cancels exactly.
"""

from __future__ import annotations

from typing import NamedTuple

import sympy as sp
from sympy.polys.fields import FracElement

from dekderive.atoms import exp_erfcx_im, exp_erfcx_re
from dekderive.duals.normal_form import Function, Key, NormalForms, Terms
from dekderive.duals.scalars import Radical, Scalars
from dekderive.errors import NoClosedForm

__all__ = ["Item", "real_items"]


class Item(NamedTuple):
    """A real term: factor sqrt(roots) exp(exponent) functions, times a function `kind` of an argument.

    `kind` is one of cos, sin, cosh, sinh, exp_erfcx_re and exp_erfcx_im (or None); only the last two have a point.
    """

    factor: FracElement
    key: Key
    kind: type | None = None
    argument: FracElement | None = None
    point: Radical | None = None


def real_items(forms: NormalForms, terms: Terms) -> list[Item]:
    """Return the terms of a real normal form without the imaginary unit.

    Raises
    ------
    NoClosedForm
        If the imaginary parts do not cancel in pairs, or a part has no real name here.

    Examples
    --------
    >>> forms = NormalForms(Scalars())
    >>> wave = forms.exponential(forms.s.i * forms.s.c)
    >>> real_items(forms, forms.add([wave, forms.exponential(-forms.s.i * forms.s.c)]))[0].kind
    cos
    """
    s, items, done = forms.s, [], set()
    for key, factor in terms.items():
        if key in done:
            continue
        real, imaginary = s.complex_parts(factor)
        twin = _conjugate(s, key)
        if twin == key:
            if imaginary:
                raise NoClosedForm("the imaginary parts do not cancel")
            items.append(Item(real, key))
            continue
        if s.reduce(terms.get(twin, s.zero) - (real - s.i * imaginary)):
            raise NoClosedForm("the imaginary parts do not cancel")
        done.add(twin)
        items += _pair(s, key, real, imaginary)
    return [item for item in items if item.factor]


def _conjugate(s: Scalars, key: Key) -> Key:
    def bar(x: FracElement) -> FracElement:
        real, imaginary = s.complex_parts(x)
        return s.reduce(real - s.i * imaginary) if imaginary else x

    def of(function: Function) -> Function:
        arguments = (Radical(bar(x.factor), x.roots) if isinstance(x, Radical) else x for x in function.arguments)
        return Function(function.name, tuple(arguments)) if _is_complex(s, function) else function

    return Key(key.roots, bar(key.exponent), frozenset((of(f), n) for f, n in key.functions))


def _is_complex(s: Scalars, function: Function) -> bool:
    return any(s.is_complex(x.factor) for x in function.arguments if isinstance(x, Radical))


def _pair(s: Scalars, key: Key, real: FracElement, imaginary: FracElement) -> list[Item]:
    """The sum of a term and its conjugate."""
    gates = [(f, n) for f, n in key.functions if _is_complex(s, f)]
    if not gates:
        level, phase = s.complex_parts(key.exponent)
        bare = key._replace(exponent=level)
        if s.sign(phase) < 0:
            phase, imaginary = -phase, -imaginary
        return [Item(2 * real, bare, sp.cos, phase), Item(-2 * imaginary, bare, sp.sin, phase)]
    if len(gates) > 1 or gates[0][1] > 1 or gates[0][0].name != "probit":
        raise NoClosedForm("a product of error functions of complex arguments has no real name here")
    point = gates[0][0].arguments[0]
    exponent = s.reduce(key.exponent - s.square(point) / 2)
    bare = Key(key.roots, s.zero, key.functions - {gates[0]})
    return [Item(real, bare, exp_erfcx_re, exponent, point), Item(-imaginary, bare, exp_erfcx_im, exponent, point)]
