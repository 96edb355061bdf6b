# Generated from derivations/equivalents/ by `python -m codegen update`; edit those files, not this one.
"""The shipped activations with their Gaussian moments; each name is an `Activation`."""

from dekderive.equivalents.activations._generated.elu import ACTIVATION as elu
from dekderive.equivalents.activations._generated.erf import ACTIVATION as erf
from dekderive.equivalents.activations._generated.gelu import ACTIVATION as gelu
from dekderive.equivalents.activations._generated.hard_tanh import ACTIVATION as hard_tanh
from dekderive.equivalents.activations._generated.leaky_relu import ACTIVATION as leaky_relu
from dekderive.equivalents.activations._generated.relu import ACTIVATION as relu
from dekderive.equivalents.activations._generated.sign import ACTIVATION as sign
from dekderive.equivalents.activations._generated.softplus import ACTIVATION as softplus
from dekderive.equivalents.activations._generated.swish import ACTIVATION as swish
from dekderive.equivalents.activations._generated.tanh import ACTIVATION as tanh

__all__ = [
    "elu",
    "erf",
    "gelu",
    "hard_tanh",
    "leaky_relu",
    "relu",
    "sign",
    "softplus",
    "swish",
    "tanh",
]
