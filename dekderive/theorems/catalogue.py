"""All statements, in the order of their papers, and how to find one."""

from __future__ import annotations

from collections.abc import Sequence

from dekderive.errors import UnknownName
from dekderive.theorems import (
    channels,
    convolution,
    deker,
    deker_rectified,
    deker_triangular,
    deq_cntk,
    deq_cntk_limit,
    deq_ntk,
    deq_ntk_limit,
    exponential_family,
    fixed_points,
    implicit_ck,
    implicit_ck_identities,
    ising,
    kglm,
    kglm_conditions,
    perturbation,
)
from dekderive.theorems.theorem import Theorem

__all__ = ["CATALOGUE", "PAPERS", "by_key", "select"]

CATALOGUE: tuple[Theorem, ...] = (
    *fixed_points.THEOREMS,
    *kglm.THEOREMS,
    *kglm_conditions.THEOREMS,
    *exponential_family.THEOREMS,
    *ising.THEOREMS,
    *convolution.THEOREMS,
    *channels.THEOREMS,
    *perturbation.THEOREMS,
    *deq_ntk.THEOREMS,
    *deq_ntk_limit.THEOREMS,
    *deq_cntk.THEOREMS,
    *deq_cntk_limit.THEOREMS,
    *deker.THEOREMS,
    *deker_triangular.THEOREMS,
    *deker_rectified.THEOREMS,
    *implicit_ck.THEOREMS,
    *implicit_ck_identities.THEOREMS,
)

PAPERS: tuple[str, ...] = tuple(dict.fromkeys(theorem.paper for theorem in CATALOGUE))

_BY_KEY = {theorem.key: theorem for theorem in CATALOGUE}


def by_key(key: str) -> Theorem:
    """Return the theorem with this key.

    Raises
    ------
    UnknownName
        If there is none; the message lists the keys of the same group, or the groups.

    Examples
    --------
    >>> by_key("deq-ntk/theorem-2").number
    'Theorem 2, (7)-(9)'
    """
    return select([key])[0]


def select(names: Sequence[str] = (), paper: str | None = None) -> tuple[Theorem, ...]:
    """Return the theorems with these keys, or of these groups (``"kglm"``); all of them for no name.

    Parameters
    ----------
    names : sequence of str
    paper : str, optional
        Key of a paper: only its statements.

    Raises
    ------
    UnknownName
        If a name is neither a key nor a group.

    Examples
    --------
    >>> len(select(["deker"]))
    8
    >>> select(["deker"], paper="feng2021deqntk")
    ()
    """
    chosen = CATALOGUE if not names else tuple(dict.fromkeys(t for name in names for t in _named(name)))
    return tuple(t for t in chosen if paper is None or t.paper == paper)


def _named(name: str) -> tuple[Theorem, ...]:
    if name in _BY_KEY:
        return (_BY_KEY[name],)
    group, _, rest = name.partition("/")
    members = tuple(t for t in CATALOGUE if t.key.startswith(f"{group}/"))
    if members and not rest:
        return members
    known = [t.key for t in members] or sorted({t.key.partition("/")[0] for t in CATALOGUE})
    raise UnknownName(f"no theorem {name!r}; known: {', '.join(known)}")
