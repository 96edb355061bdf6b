"""Equilibrium models that solve a kernel GLM at initialisation: weights in NumPy, layers in PyTorch (`torch_deq`)."""

from dekderive.initialisers.deq_weights import DEQWeights, kglm_weights

__all__ = ["DEQWeights", "kglm_weights"]
