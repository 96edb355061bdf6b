"""A convolutional equilibrium kernel of images as a scikit-learn kernel."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.gaussian_process.kernels import Kernel as SklearnKernel

from dekderive.errors import InvalidInput
from dekderive.gram.convolutional import convolutional_diagonal, convolutional_gram
from dekderive.kernels.kernel import Kernel
from dekderive.kernels.layered import LayeredKernel
from dekderive.solvers.solution import Array

__all__ = ["EquilibriumImageKernel"]


class EquilibriumImageKernel(SklearnKernel):
    r"""Use the tangent kernel of a convolutional equilibrium model wherever scikit-learn takes a kernel.

    Rows of X are images, flattened: scikit-learn's estimators take matrices.

    Parameters
    ----------
    kernel : Kernel or LayeredKernel
        Record with the activation.
    shape : (int, int, int)
        Rows, columns and channels of an image.
    weight_variance, input_variance, bias_variance : float, optional
        Those of the record by default.
    filter_size, readout, depth, normalisation, pixels, tolerance
        As for :func:`dekderive.gram.convolutional.convolutional_gram`, where formulas and sources are.

    Raises
    ------
    InvalidInput, NoFixedPoint, NotConverged
        On evaluation; see there.

    Notes
    -----
    It has no hyperparameters that an optimiser could tune: ``theta`` is empty.  Cross-validation sets parameters by
    name.  A Gram matrix that is needed more than once is worth computing once: every estimator of scikit-learn that
    takes ``kernel="precomputed"`` takes it.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sklearn.kernel_ridge import KernelRidge
    >>> from sklearn.preprocessing import LabelBinarizer
    >>> from dekderive.kernels import deq_ntk_relu
    >>> X, y = load_digits(return_X_y=True)
    >>> kernel = EquilibriumImageKernel(deq_ntk_relu, (8, 8, 1), weight_variance=0.65, input_variance=0.35)
    >>> codes = LabelBinarizer().fit(y)
    >>> model = KernelRidge(kernel=kernel, alpha=1e-3).fit(X[:40], codes.transform(y[:40]))
    >>> bool((model.predict(X[100:130]).argmax(axis=1) == y[100:130]).mean() > 0.5)
    True
    """

    def __init__(
        self,
        kernel: Kernel | LayeredKernel,
        shape: tuple[int, int, int],
        *,
        weight_variance: float | None = None,
        input_variance: float | None = None,
        bias_variance: float | None = None,
        filter_size: int = 3,
        readout: str = "preactivation",
        depth: int | None = None,
        normalisation: str = "taps",
        pixels: str = "as given",
        tolerance: float = 1e-10,
    ) -> None:
        self.kernel = kernel
        self.shape = shape
        self.weight_variance = weight_variance
        self.input_variance = input_variance
        self.bias_variance = bias_variance
        self.filter_size = filter_size
        self.readout = readout
        self.depth = depth
        self.normalisation = normalisation
        self.pixels = pixels
        self.tolerance = tolerance

    def __call__(self, X: ArrayLike, Y: ArrayLike | None = None, eval_gradient: bool = False) -> Any:
        """Kernel matrix of flattened images.

        Parameters
        ----------
        X : (n, rows * columns * channels) array_like
        Y : (m, rows * columns * channels) array_like, optional
        eval_gradient : bool
            Return the derivatives in the hyperparameters too, of which there are none: an array of shape (n, n, 0).

        Returns
        -------
        K : (n, m) ndarray
        K_gradient : (n, n, 0) ndarray
            Only if `eval_gradient`.
        """
        if eval_gradient and Y is not None:
            raise InvalidInput("the gradient can only be evaluated for K(X); leave Y out")
        matrix = self._evaluate(convolutional_gram, X) if Y is None else self._evaluate(convolutional_gram, X, Y)
        return (matrix, np.empty((*matrix.shape, 0))) if eval_gradient else matrix

    def diag(self, X: ArrayLike) -> Array:
        """The diagonal of ``self(X)``, without the matrix.

        Parameters
        ----------
        X : (n, rows * columns * channels) array_like

        Returns
        -------
        (n,) ndarray
        """
        return self._evaluate(convolutional_diagonal, X)

    def is_stationary(self) -> bool:
        """False: values depend on the images themselves, not only on their differences."""
        return False

    def _evaluate(self, function: Callable[..., Array], *data: ArrayLike) -> Array:
        variances = {
            "weight_variance": self.weight_variance,
            "input_variance": self.input_variance,
            "bias_variance": self.bias_variance,
        }
        return function(
            self.kernel,
            *(self._images(x, name) for x, name in zip(data, "XY", strict=False)),
            filter_size=self.filter_size,
            readout=self.readout,
            depth=self.depth,
            normalisation=self.normalisation,
            pixels=self.pixels,
            tolerance=self.tolerance,
            **{name: value for name, value in variances.items() if value is not None},
        )

    def _images(self, x: ArrayLike, name: str) -> Array:
        """Rows as images, in float64, as scikit-learn's decompositions want what comes of them."""
        rows = np.asarray(x)
        size = int(np.prod(self.shape))
        if len(self.shape) != 3 or rows.ndim != 2 or rows.shape[1] != size:
            raise InvalidInput(
                f"{name} must be a matrix of flattened images of shape {self.shape} (rows, columns, channels), so with "
                f"{size} columns; got shape {rows.shape}"
            )
        return rows.astype(np.float64).reshape(len(rows), *self.shape)

    def __repr__(self) -> str:
        given = [("shape", self.shape), ("filter_size", self.filter_size), ("readout", self.readout)]
        names = ("weight_variance", "input_variance", "bias_variance", "depth")
        given += [(name, getattr(self, name)) for name in names if getattr(self, name) is not None]
        return f"{type(self).__name__}({self.kernel.name}, {', '.join(f'{name}={value!r}' for name, value in given)})"
