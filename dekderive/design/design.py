"""From an equilibrium model to an explicit network with the same kernel."""

from __future__ import annotations

import math

from dekderive.design.families import FAMILIES
from dekderive.design.network import ExplicitNetwork
from dekderive.design.sphere import sphere_network
from dekderive.design.target import Target, target_of
from dekderive.equivalents import DeepEquilibrium
from dekderive.errors import InvalidInput, NotReachable

__all__ = ["design_explicit"]

_TOLERANCE = 1e-9  # of the residuals, in units of the diagonal
_HOMOGENEOUS = 1e-10


def design_explicit(
    deq: DeepEquilibrium, kernel: str = "ck", family: str = "auto", *, tau0: float, terms: int = 16
) -> ExplicitNetwork:
    r"""Design an explicit network whose kernel is, in high dimension, that of an equilibrium model.

    Both kernels have the equivalent :math:`a_1 S + a_2 \chi\chi^T + a_3\,\mathrm{offdiag}(S \circ S)` with the same
    diagonal, :math:`\chi_i = |x_i|^2 - \tau_0^2`, so that they differ by :math:`O(n^{-1/2})` in spectral norm for
    Gaussian mixtures; :attr:`ExplicitNetwork.residuals` says how well the four equations are met.

    Parameters
    ----------
    deq : DeepEquilibrium
        The model; see :mod:`dekderive.equivalents`.
    kernel : {"ck", "ntk", "ntk_full"}
        Conjugate kernel; tangent kernel with the input weights frozen; with all weights trained.
    family : str
        ``"auto"``: hard tanh where the activation is odd and it can be matched, leaky ReLU for conjugate kernels of
        leaky ReLU models, and otherwise the slope-matched polynomial.

        ``"hermite"``: one cubic layer and a norm feature, in closed form, exact for every model.
        ``"hermite_slope"``: the same with one more degree, which gives the diagonal the right slope in the norm.
        ``"sphere_series"``: `terms` degrees, the kernel itself on inputs of equal norm.
        ``"hermite_rate"``: tangent kernels only; no norm feature, but a learning rate for the hidden layer.
        ``"hermite_two_layer"``: conjugate kernels; two polynomial layers, no norm feature.
        ``"hard_tanh"``: odd activations; one layer.
        ``"leaky_relu"``: conjugate kernels of leaky ReLU models; two layers, or three.
    tau0 : float
        Root of the mean square norm of the inputs, :math:`S = X X^T`.
    terms : int
        Of ``"sphere_series"``.

    Returns
    -------
    ExplicitNetwork

    Raises
    ------
    NotReachable
        If the family cannot meet the four equations; ``error.nearest`` is the closest network that the rule finds.
    NoFixedPoint
        If the model has no equilibrium, or not the kernel.
    InvalidInput
        For an unknown kernel or family, or one that is not meant for this kernel.

    References
    ----------
    Z. Ling, L. Li, Z. Feng, Y. Zhang, F. Zhou, R. C. Qiu, Z. Liao, "Deep equilibrium models are almost equivalent to
    not-so-deep explicit models for high-dimensional Gaussian mixtures", ICML 2024 (the idea; the designs are not
    theirs).

    Examples
    --------
    >>> from dekderive.equivalents import DeepEquilibrium, relu, swish, tanh
    >>> [design_explicit(DeepEquilibrium(phi, 0.2, 0.8), tau0=1.0).family for phi in (tanh, relu, swish)]
    ['hard_tanh', 'leaky_relu', 'hermite_slope']
    >>> network = design_explicit(DeepEquilibrium(swish, 0.2, 0.8), "ntk", "hermite", tau0=1.0)
    >>> max(map(abs, network.residuals)) < 1e-14
    True
    """
    known = (*FAMILIES, "sphere_series")
    if family != "auto" and family not in known:
        raise InvalidInput(f"family must be auto or one of {', '.join(known)}, got {family!r}")
    target = target_of(deq, tau0, kernel)
    if family == "auto":
        return _chosen(target)
    _check_kernel(target, family)
    network = sphere_network(deq, target, terms) if family == "sphere_series" else FAMILIES[family](target)
    return _checked(network, deq)


def _check_kernel(target: Target, family: str) -> None:
    tangent = target.kind != "ck"
    if family == "hermite_rate" and not tangent:
        raise InvalidInput("hermite_rate designs tangent kernels: a learning rate does not change a conjugate kernel")
    if family in ("hermite_two_layer", "leaky_relu") and tangent:
        raise InvalidInput(f"{family} designs conjugate kernels; for tangent kernels take hermite or hermite_slope")


def _checked(network: ExplicitNetwork, deq: DeepEquilibrium) -> ExplicitNetwork:
    worst = max(map(abs, network.residuals))
    if worst <= _TOLERANCE:
        return network
    names = ("linear", "norm", "quadratic", "diagonal")
    missed = ", ".join(f"{n} {r:+.2g}" for n, r in zip(names, network.residuals, strict=True))
    raise NotReachable(
        f"no {network.family} network has the {network.target.kind} of this {deq.activation.name} model"
        f"{_why(network)}; the nearest one misses the equations by (in units of the diagonal) {missed}; "
        "family='hermite' is exact for every model",
        network,
    )


def _why(network: ExplicitNetwork) -> str:
    target = network.target
    if network.family == "hard_tanh":
        if not target.odd:
            return " (an odd activation has no quadratic part)"
        return f" (diagonal / linear part is {1 / target.parts[0]:.4g}; hard tanh reaches pi/2 = 1.571 at most)"
    if network.family == "leaky_relu" and not _homogeneous(target):
        return " (diagonal = linear part + 2 (pi - 2) norm part for every leaky ReLU network, and not here)"
    return ""


def _homogeneous(target: Target) -> bool:
    linear, norm, _, _ = target.parts
    return abs(math.fsum((1.0, -linear, -2 * (math.pi - 2) * norm))) <= _HOMOGENEOUS


def _chosen(target: Target) -> ExplicitNetwork:
    candidates = []
    if target.odd:
        candidates.append("hard_tanh")
    elif target.kind == "ck" and _homogeneous(target):
        candidates.append("leaky_relu")
    for family in candidates:
        network = FAMILIES[family](target)
        if network.feasible:
            return network
    return FAMILIES["hermite_slope"](target)
