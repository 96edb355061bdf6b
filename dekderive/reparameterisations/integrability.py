"""Square-integrability of slope and activation under centred Gaussians: growth at infinity, and poles."""

from __future__ import annotations

import mpmath
import sympy as sp

from dekderive.certificates import enclose
from dekderive.errors import NoClosedForm, NotIntegrable
from dekderive.limits import growth, sample_parameters
from dekderive.reparameterisations.natural_map import doubtful_points
from dekderive.symbols import z

__all__ = ["require_square_integrable"]


def require_square_integrable(function: sp.Expr, role: str, natural_map: sp.Expr) -> None:
    """Raise NotIntegrable unless E[f(u)^2] is finite for every variance of u."""
    where = f"the {role} {function} of the natural map {natural_map}"
    for end in (sp.oo, -sp.oo):
        rate = _rate(function, end)
        if rate == sp.oo:
            raise NotIntegrable(f"{where} grows faster than every Gaussian falls as z tends to {end}")
        if rate != -sp.oo and enclose(rate, sample_parameters(rate)).is_positive:
            raise NotIntegrable(
                f"{where} grows like exp({rate} z^2) as z tends to {end}, so it is square-integrable under Gaussians "
                f"with variance below {1 / (4 * rate)} only"
            )
    numeric = function.subs(sample_parameters(function, z))
    for point in sorted({sp.S.Zero, *_kinks(numeric), *map(sp.sympify, doubtful_points(numeric))}, key=float):
        for side in (-1, 1):
            exponent = _exponent(numeric, point, side)
            if exponent > 0.45:
                raise NotIntegrable(
                    f"{where} behaves like |z - p|^-{exponent:.2g} near p = {float(point):.6g}, "
                    "where its square has no integral"
                )


def _rate(function: sp.Expr, end: sp.Expr) -> sp.Expr:
    """Return lim log|f| / z^2: from values where they show that it is not positive, else from the formula."""
    observed = _observed_rate(function, end)
    if observed is not None and observed < 1e-6:
        return sp.S.Zero
    try:
        return growth(function, z, end)
    except NoClosedForm as error:
        if observed is None:
            raise NotIntegrable(f"cannot tell how fast {function} grows as z tends to {end}") from error
        return sp.oo if observed == mpmath.inf else sp.Rational(round(float(observed) * 10**6), 10**6)


def _observed_rate(function: sp.Expr, end: sp.Expr) -> mpmath.mpf | None:
    """Extrapolate log|f| / z^2 from three far points; None if a value there is out of reach."""
    numeric = function.subs(sample_parameters(function, z))
    rates = []
    for size in (2**12, 2**13, 2**14):
        value = enclose(numeric, {z: size if end == sp.oo else -size})
        if not value.is_finite:
            return None
        top = max(abs(value.lower), abs(value.upper))
        rates.append(-mpmath.inf if top == 0 else mpmath.log(top) / size**2)
    if -mpmath.inf in rates:
        return -mpmath.inf
    # A term in 1/z, from an exponential of z, drops out; what a power of z leaves behind is negative.
    first, second = 2 * rates[1] - rates[0], 2 * rates[2] - rates[1]
    return mpmath.inf if second > 1.5 * first > 0 else second


def _kinks(expr: sp.Expr) -> set[sp.Expr]:
    """Return the zeros of the linear arguments inside `expr`: there functions jump, bend or have a pole."""
    places = set()
    for node in sp.preorder_traversal(expr):
        arguments = node.args if isinstance(node, (sp.Function, sp.Pow)) else ()
        for a in arguments:
            if a.has(z) and a.is_polynomial(z) and sp.degree(a, z) == 1:
                places.add(sp.solve(a, z)[0])
    return {p for p in places if p.is_real}


def _exponent(numeric: sp.Expr, point: sp.Expr, side: int) -> float:
    """Return a with |f| ~ |z - point|^-a on one side, from the growth between distances 2^-40 and 2^-80."""
    far, near = (enclose(numeric, {z: point + sp.Rational(side, 2**k)}).midpoint for k in (40, 80))
    if not (mpmath.isfinite(far) and mpmath.isfinite(near)) or far == 0 or near == 0:
        return 0.0
    return float(mpmath.log(abs(near / far), 2) / 40)
