"""Equilibrium models that solve a kernel GLM at initialisation: weights in NumPy, layers in PyTorch (`torch_deq`)."""

from dekderive.initialisers.conv_weights import ConvDEQWeights, kglm_filters
from dekderive.initialisers.deq_weights import DEQWeights, kglm_weights

__all__ = ["ConvDEQWeights", "DEQWeights", "kglm_filters", "kglm_weights"]
