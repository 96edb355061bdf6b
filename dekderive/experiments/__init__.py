"""Published experiments, repeated: each is a value with its source, its published numbers, and what runs it."""

from collections.abc import Mapping

from dekderive.experiments.cdeq_ntk import CIFAR10_CONVOLUTIONAL
from dekderive.experiments.deq_ntk import CIFAR10, MNIST
from dekderive.experiments.experiment import Experiment
from dekderive.experiments.freeze import FREEZE

__all__ = ["EXPERIMENTS", "Experiment"]

EXPERIMENTS: Mapping[str, Experiment] = {
    experiment.name: experiment for experiment in (MNIST, CIFAR10, CIFAR10_CONVOLUTIONAL, FREEZE)
}
