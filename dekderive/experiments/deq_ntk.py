"""Fully connected DEQ-NTK on MNIST and CIFAR-10 (Feng and Kolter, tables 1 and 2)."""

from __future__ import annotations

from functools import partial

from dekderive.estimators.kernel_ridge_classifier import KernelRidgeClassifier
from dekderive.experiments.classification import accuracy_row, require_memory, unit_rows
from dekderive.experiments.experiment import Experiment, Outcome, Published, Settings, Sizes, agreement
from dekderive.kernels import deq_ntk_relu

__all__ = ["CIFAR10", "MNIST", "PAPER"]

PAPER = "Feng and Kolter, On the neural tangent kernel of equilibrium models, 2021"

_NOTES = (
    "images are divided by their norm, as in the paper, and not centred (the paper does not say)",
    "kernel regression on one-hot labels minus 0.1, without regularisation unless --regularisation says so",
)


def variances(weight: float, inputs: float, bias: float) -> dict[str, float]:
    """Return the parameters of the kernel.

    Examples
    --------
    >>> variances(0.6, 0.4, 0.0)
    {'weight_variance': 0.6, 'input_variance': 0.4, 'bias_variance': 0.0}
    """
    return {"weight_variance": weight, "input_variance": inputs, "bias_variance": bias}


def _run(published: tuple[tuple[dict[str, float], Published], ...], settings: Settings) -> Outcome:
    require_memory(settings, settings.data.x_train[0].size)
    rows = []
    for parameters, known in published:
        label = "DEQ-NTK " + ", ".join(f"{value:g}" for value in parameters.values())
        model = partial(
            KernelRidgeClassifier,
            deq_ntk_relu,
            regularisation=settings.regularisation,
            kernel_parameters=parameters,
        )
        rows.append(accuracy_row(label, model, unit_rows, settings, parameters, known))
    checks = tuple(check for row in rows if (check := agreement(row, settings)) is not None)
    return Outcome(tuple(rows), checks)


MNIST = Experiment(
    name="mnist-deq-ntk",
    title="DEQ-NTK on MNIST",
    source=f"{PAPER}, table 1",
    images=("mnist",),
    quick=Sizes(5000, 10000),
    full=Sizes(60000, 10000),
    run=partial(_run, ((variances(0.25, 0.25, 0.5), Published(0.986, 60000, 10000, ("mnist",))),)),
    notes=_NOTES,
)

CIFAR10 = Experiment(
    name="cifar10-deq-ntk",
    title="DEQ-NTK on CIFAR-10",
    source=f"{PAPER}, table 2",
    images=("cifar10", "cifar10_subset"),
    quick=Sizes(3000, 2000),
    full=Sizes(50000, 10000),
    run=partial(
        _run,
        (
            (variances(0.25, 0.25, 0.5), Published(0.5908, 50000, 10000, ("cifar10",))),
            (variances(0.6, 0.4, 0.0), Published(0.5977, 50000, 10000, ("cifar10",))),
            (variances(0.8, 0.2, 0.0), Published(0.5943, 50000, 10000, ("cifar10",))),
        ),
    ),
    notes=_NOTES,
)
