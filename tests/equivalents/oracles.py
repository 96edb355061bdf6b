"""The scalars at 30 digits: quadrature, fixed point and the printed system of equations, in mpmath."""

from functools import lru_cache

from mpmath import mp
from mpmath.calculus.quadrature import GaussLegendre

FUNCTIONS = {
    "tanh": (mp.tanh, lambda z: 1 - mp.tanh(z) ** 2),
    "erf": (mp.erf, lambda z: 2 * mp.exp(-z * z) / mp.sqrt(mp.pi)),
    "relu": (lambda z: z if z > 0 else mp.mpf(0), lambda z: mp.mpf(z > 0)),
    "leaky_relu": (lambda z: z if z > 0 else z / 100, lambda z: mp.mpf(1) if z > 0 else mp.mpf(1) / 100),
    "elu": (lambda z: z if z > 0 else mp.expm1(z), lambda z: mp.mpf(1) if z > 0 else mp.exp(z)),
    "swish": (
        lambda z: z / (1 + mp.exp(-z)),
        lambda z: 1 / (1 + mp.exp(-z)) + z * mp.exp(-z) / (1 + mp.exp(-z)) ** 2,
    ),
}


@lru_cache(maxsize=1)
def rule():
    """Gauss-Legendre nodes on panels of unit length from -13 to 13 (one begins at the kinks), times the density."""
    with mp.workdps(35):
        nodes = GaussLegendre(mp).calc_nodes(4, mp.prec + 20)
        pairs = [(k + (1 + x) / 2, w / 2) for k in range(-13, 13) for x, w in nodes]
        return [(x, w * mp.exp(-x * x / 2) / mp.sqrt(2 * mp.pi)) for x, w in pairs]


def expectation(f, tau):
    """E f(tau xi)."""
    return mp.fsum(w * f(tau * x, x) for x, w in rule())


def moments(name, tau):
    """b, m1, m2, F, F', E phi'^2, by Stein's identities (no derivative of a kink)."""
    f, slope = FUNCTIONS[name]
    q = tau * tau
    b = expectation(lambda u, x: f(u), tau)
    m1 = expectation(lambda u, x: x * f(u), tau) / tau
    m2 = expectation(lambda u, x: (x * x - 1) * f(u), tau) / q
    second = expectation(lambda u, x: (f(u) - b) ** 2, tau)
    second_slope = expectation(lambda u, x: (x * x - 1) * (f(u) - b) ** 2, tau) / (2 * q)
    return b, m1, m2, second, second_slope, expectation(lambda u, x: slope(u) ** 2, tau)


def variance(name, q):
    """Var f(sqrt(q) xi)."""
    f, _ = FUNCTIONS[name]
    tau = mp.sqrt(q)
    first = expectation(lambda u, x: f(u), tau)
    return expectation(lambda u, x: (f(u) - first) ** 2, tau)


def scalars(name, sa, sb, tau0):
    """Everything about the implicit network, from the equations of the paper rather than from their compact form."""
    with mp.workdps(35):
        sa, sb, tau0 = mp.mpf(sa), mp.mpf(sb), mp.mpf(tau0)
        injected = sb * tau0**2
        guess = injected / (1 - sa * variance(name, injected) / injected)
        q = mp.findroot(lambda q: q - sa * variance(name, q) - injected, (guess, 1.01 * guess), tol=mp.mpf(10) ** -50)
        b, m1, m2, second, second_slope, md = moments(name, mp.sqrt(q))
        # Lambda = l1 S + l2 chi chi' + l3 S^2: l1 = sb + sa m1^2 l1, and the terms of second order likewise.
        l1 = sb / (1 - sa * m1**2)
        l4 = sb / (1 - sa * second_slope)
        l2 = sa * m2**2 * l4**2 / 4 / (1 - sa * m1**2)
        l3 = sa * m2**2 * l1**2 / 2 / (1 - sa * m1**2)
        ck = (m1**2 * l1, m1**2 * l2 + m2**2 * l4**2 / 4, m1**2 * l3 + m2**2 * l1**2 / 2)
        # K = G + sa Gd K with Gd = m1^2 + m2^2 Lambda; Kf = G + (sa K + sb S) Gd.
        b1 = ck[0] / (1 - sa * m1**2)
        b2 = ck[1] / (1 - sa * m1**2)
        b3 = (ck[2] + sa * m2**2 * l1 * b1) / (1 - sa * m1**2)
        f1 = (ck[0] + sb * m1**2) / (1 - sa * m1**2)
        f2 = ck[1] / (1 - sa * m1**2)
        f3 = (ck[2] + (sa * f1 + sb) * m2**2 * l1) / (1 - sa * m1**2)
        share = 1 - sa * md
        return {
            "tau": mp.sqrt(q),
            "bias": b,
            "A1": l1,
            "A4": l4,
            "ck": (*ck, second),
            "ntk": (b1, b2, b3, second / share),
            "ntk_full": (f1, f2, f3, (second + sb * tau0**2 * md) / share),
        }
