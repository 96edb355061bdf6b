"""Gaussian moments of activations, for the equivalents of kernels in high dimension: one expression each."""

import sympy as sp

from dekderive.atoms import elu, gelu, hard_tanh, leaky_relu, relu, silu, softplus
from dekderive.symbols import z

activations = {
    "elu": elu(z),
    "erf": sp.erf(z),
    "gelu": gelu(z),
    "hard_tanh": hard_tanh(z),
    "leaky_relu": leaky_relu(z),
    "relu": relu(z),
    "sign": sp.sign(z),
    "softplus": softplus(z),
    "swish": silu(z),
    "tanh": sp.tanh(z),
}
