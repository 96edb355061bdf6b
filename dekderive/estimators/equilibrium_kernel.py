"""An infinitely deep kernel, or one of finite depth, as a scikit-learn kernel."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import clone
from sklearn.gaussian_process.kernels import Hyperparameter
from sklearn.gaussian_process.kernels import Kernel as SklearnKernel

from dekderive.errors import InvalidInput, NoFixedPoint
from dekderive.estimators.bounds import resolved_bounds, suited
from dekderive.estimators.existence import deciding_parameter
from dekderive.gram import Moments, diagonal, gram, gram_gradient
from dekderive.gram.points import as_rows
from dekderive.kernels.kernel import Kernel
from dekderive.kernels.layered import LayeredKernel
from dekderive.solvers.solution import Array

__all__ = ["EquilibriumKernel"]


class EquilibriumKernel(SklearnKernel):
    r"""Use an infinitely deep kernel, or one of finite depth, wherever scikit-learn takes a kernel.

    Parameters
    ----------
    kernel : dekderive.kernels.Kernel or LayeredKernel
        From ``dekderive.kernels``, or compiled from a derivation of your own.
    moments : Moments, optional
        How rows become statistics, from ``dekderive.gram.moments``; by default as the kernel says.
    continuous_part : bool
        Leave the nugget out everywhere, see the notes.
    **hyperparameters
        For every parameter of the kernel its value, and under the name ``<parameter>_bounds`` what an optimiser may do:
        a pair ``(lower, upper)``, ``"fixed"``, or None (default).  Values left out take the kernel's defaults.

        None stands for bounds inside which the kernel exists for rows of length 1 to 10 (standardised data, say); for
        other rows see :meth:`suited_to`.  It stands for ``"fixed"`` if the value is 0 (log 0 is no coordinate), if the
        parameter belongs to the family (a known shape), and if the kernel would exist in a part of the box only (the
        variances of a tangent kernel whose activation saturates, besides `weight_variance`).

    Raises
    ------
    TypeError
        If `kernel` is no kernel record, or a keyword is not one of its parameters.
    NoFixedPoint
        On evaluation, if some row has no fixed point; the message names the bound.
    InvalidInput
        On evaluation, for data or values that the kernel does not take.  It is a ValueError.

    Notes
    -----
    `theta` holds logarithms of the values that are not fixed, in the order of ``kernel.parameters``.  Derivatives in
    `theta` come from the implicit function theorem: the equations are differentiated, and nothing is iterated twice.

    For slopes with a jump the kernel is discontinuous at :math:`x' = x`.  As with scikit-learn's ``WhiteKernel``, the
    nugget is in ``K(X)`` and in ``diag(X)`` and never in ``K(X, Y)``, even if `Y` is `X`.  Gaussian processes therefore
    see it as noise of the size that the kernel dictates; ``KernelRidge``, ``SVC`` and ``Nystroem`` call ``K(X, X)`` and
    never see it.  ``continuous_part=True`` takes it out of ``K(X)`` and ``diag(X)`` too.

    Results are float64 even for float32 rows, like those of scikit-learn's stationary kernels: they go into Cholesky
    decompositions and line searches.  :func:`dekderive.gram.gram` keeps float32.

    References
    ----------
    R. Tsuchida and C. S. Ong, "Stochastic gradient updates yield deep equilibrium kernels", TMLR 2023.

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from sklearn.gaussian_process import GaussianProcessRegressor
    >>> from sklearn.gaussian_process.kernels import WhiteKernel
    >>> from sklearn.preprocessing import scale
    >>> from dekderive.kernels import deker_gaussian_relu
    >>> kernel = EquilibriumKernel(deker_gaussian_relu, regularisation=1.5, regularisation_bounds=(1.05, 10))
    >>> kernel
    EquilibriumKernel(deker_gaussian_relu, regularisation=1.5)
    >>> X, y = load_diabetes(return_X_y=True)
    >>> X, y = scale(X[:60]), scale(y[:60])
    >>> process = GaussianProcessRegressor(kernel + WhiteKernel()).fit(X, y)
    >>> mean, std = process.predict(X[:5], return_std=True)
    >>> mean.shape, std.shape
    ((5,), (5,))
    """

    def __init__(
        self,
        kernel: Kernel | LayeredKernel,
        *,
        moments: Moments | None = None,
        continuous_part: bool = False,
        **hyperparameters: Any,
    ) -> None:
        self.moments = moments
        self.continuous_part = continuous_part
        names = _argument_names(kernel)
        unknown = sorted(set(hyperparameters) - set(names))
        if unknown:
            raise TypeError(
                f"{kernel.name} has no hyperparameter {', '.join(map(repr, unknown))}; it takes {', '.join(names)}"
            )
        for name, value in hyperparameters.items():
            setattr(self, name, value)
        self._adopt(kernel)

    def _adopt(self, kernel: Kernel | LayeredKernel) -> None:
        """Take over a kernel, with defaults for the hyperparameters that have not been set."""
        names = _argument_names(kernel)
        defaults = {p.name: p.default for p in kernel.parameters}
        self.kernel = kernel
        for name in names:
            if name not in vars(self):
                setattr(self, name, defaults.get(name))

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Everything that ``__init__`` takes, the kernel's hyperparameters and their bounds included.

        Parameters
        ----------
        deep : bool
            Of no consequence: nothing in here is an estimator.

        Returns
        -------
        dict
        """
        names = ("kernel", "moments", "continuous_part", *_argument_names(self.kernel))
        return {name: getattr(self, name) for name in names}

    def set_params(self, **params: Any) -> EquilibriumKernel:
        """Set what ``__init__`` takes.  A new `kernel` is taken over before its hyperparameters are set.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            If a name is not one of ``get_params()``.
        """
        if "kernel" in params:
            self._adopt(params["kernel"])
        super().set_params(**params)
        return self

    @property
    def hyperparameters(self) -> list[Hyperparameter]:
        """Specifications of the hyperparameters, in the order of ``kernel.parameters``.

        Raises
        ------
        InvalidInput
            If bounds are outside the range of a parameter, or given for a value that has no logarithm.
        """
        bounds = resolved_bounds(self.kernel, self.moments, self._values(), self._given_bounds())
        return [Hyperparameter(name, "numeric", bounds[name]) for name in self.kernel.parameter_names]

    def __call__(self, X: ArrayLike, Y: ArrayLike | None = None, eval_gradient: bool = False) -> Any:
        r"""Kernel matrix, and optionally its derivatives in `theta`.

        Parameters
        ----------
        X : (n, d) array_like
        Y : (m, d) array_like, optional
        eval_gradient : bool
            Return the derivatives too; only without `Y`.

        Returns
        -------
        K : (n, m) ndarray
        K_gradient : (n, n, n_dims) ndarray
            Derivatives in the logarithms of the hyperparameters that are not fixed; only if `eval_gradient`.

        Raises
        ------
        InvalidInput, NoFixedPoint, NotConverged
        """
        if not eval_gradient:
            return self._evaluate(gram, X) if Y is None else self._evaluate(gram, X, Y)
        if Y is not None:
            raise InvalidInput("the gradient can only be evaluated for K(X); leave Y out")
        free = [i for i, h in enumerate(self.hyperparameters) if not h.fixed]
        if not free:
            matrix = self._evaluate(gram, X)
            return matrix, np.empty((*matrix.shape, 0))
        matrix, slopes = self._evaluate(gram_gradient, X)
        values = [getattr(self, self.kernel.parameter_names[i]) for i in free]
        return matrix, slopes[..., free] * values  # d/d log p = p d/dp

    def diag(self, X: ArrayLike) -> Array:
        """The diagonal of ``self(X)``, without the matrix.

        Parameters
        ----------
        X : (n, d) array_like

        Returns
        -------
        (n,) ndarray

        Raises
        ------
        InvalidInput, NoFixedPoint, NotConverged
        """
        return self._evaluate(diagonal, X)

    def is_stationary(self) -> bool:
        """False: values depend on the inputs themselves, not only on their differences."""
        return False

    def suited_to(self, X: ArrayLike) -> EquilibriumKernel:
        """Return a copy that exists at all rows of `X`, and whose bounds keep an optimiser where it does.

        The parameter that decides (`regularisation`, or `weight_variance` of a tangent kernel) is moved only if it must
        be; its bounds are cut to 5 % away from the value where the first row loses its fixed point.

        Parameters
        ----------
        X : (n, d) array_like
            All rows that will be met, those to predict at included.

        Returns
        -------
        EquilibriumKernel

        Raises
        ------
        NoFixedPoint
            If no value will do.

        Examples
        --------
        >>> from dekderive.kernels import deker_poisson_identity
        >>> kernel = EquilibriumKernel(deker_poisson_identity).suited_to([[3.0, 4.0], [0.5, 0.0]])
        >>> kernel.regularisation > 2
        True
        """
        rows = as_rows(X).astype(np.float64)
        copy: EquilibriumKernel = clone(self)
        changes = suited(self.kernel, self.moments, rows, self._values(), self._given_bounds())
        return copy.set_params(**changes)

    def _values(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.kernel.parameter_names}

    def _given_bounds(self) -> dict[str, object]:
        return {name: getattr(self, f"{name}_bounds") for name in self.kernel.parameter_names}

    def _evaluate(self, function: Callable[..., Any], *data: ArrayLike) -> Any:
        rows = [as_rows(x, name).astype(np.float64) for x, name in zip(data, "XY", strict=False)]
        try:
            return function(
                self.kernel, *rows, moments=self.moments, continuous_part=self.continuous_part, **self._values()
            )
        except NoFixedPoint as error:
            name = (deciding_parameter(self.kernel) or ("",))[0]
            raise NoFixedPoint(
                f"{error}.  If an optimiser came here, it needs tighter {name}_bounds; `kernel.suited_to(X)` returns "
                f"this kernel with a {name} and {name}_bounds for which it exists at all rows of X"
            ) from error

    def __repr__(self) -> str:
        settings = [f"{name}={_short(value)}" for name, value in self._values().items()]
        if self.moments is not None:
            settings.append(f"moments={self.moments!r}")
        if self.continuous_part:
            settings.append("continuous_part=True")
        name = self.kernel.name
        if isinstance(self.kernel, LayeredKernel):
            name += f".with_depth({self.kernel.depth})"
        return f"{type(self).__name__}({', '.join([name, *settings])})"


def _short(value: Any) -> str:
    return f"{value:.3g}" if isinstance(value, float | int) else repr(value)


def _argument_names(kernel: Kernel | LayeredKernel) -> tuple[str, ...]:
    """The keywords that stand for hyperparameters of a kernel: each parameter, and its bounds.

    Raises
    ------
    TypeError
        If it is no kernel record.
    InvalidInput
        If a parameter has a name that scikit-learn (or this class) uses for something else.
    """
    if not isinstance(kernel, Kernel | LayeredKernel):
        raise TypeError(
            f"EquilibriumKernel takes a kernel record, for example dekderive.kernels.deker_gaussian_relu; "
            f"got {type(kernel).__name__}"
        )
    names = tuple(n for name in kernel.parameter_names for n in (name, f"{name}_bounds"))
    for name in names:
        taken = hasattr(EquilibriumKernel, name) or name in ("kernel", "moments", "continuous_part")
        if taken or "__" in name or names.count(name) > 1:
            raise InvalidInput(
                f"{kernel.name} has a parameter {name.removesuffix('_bounds')!r}, a name that scikit-learn kernels use "
                "for something else; rename the parameter of the family"
            )
    return names
