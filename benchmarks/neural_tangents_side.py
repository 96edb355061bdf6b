"""The neural-tangents half of ``benchmarks.neural_tangents``: a server that runs inside its own pinned environment.

It reads one JSON request for each line of standard input and answers on standard output; arrays travel as .npy files.
Start it with ``python -I``, or this folder would be searched first and ``neural_tangents.py`` found in place of the
package.  The package's experimental part, which only wraps TensorFlow, is replaced by an empty module: importing it
needs two gigabytes of TensorFlow and nothing here uses it.
"""

import json
import sys
import time
import types

sys.modules["neural_tangents.experimental"] = types.ModuleType("neural_tangents.experimental")
sys.modules["neural_tangents.experimental"].empirical_ntk_fn_tf = None

import jax  # noqa: E402
import numpy as np  # noqa: E402

jax.config.update("jax_enable_x64", "--x64" in sys.argv)

import neural_tangents  # noqa: E402
from neural_tangents import stax  # noqa: E402

SMOOTH = {"tanh": jax.numpy.tanh, "sigmoid": jax.nn.sigmoid, "softplus": jax.nn.softplus, "silu": jax.nn.silu}
LAYERS = {
    "relu": stax.Relu,
    "erf": stax.Erf,
    "gelu": stax.Gelu,
    "gaussian": stax.Gaussian,
    "sin": stax.Sin,
    "gabor": stax.Gabor,
    "relu^2": lambda: stax.RectifiedMonomial(2),
    "polynomial": lambda: stax.Polynomial([0.0, -0.5, 0.0, 1.0]),
}
KERNELS = {}


def kernel_function(layer, depth, weight, bias, degree):
    """The compiled kernel function of a network, kept between requests."""
    key = (layer, depth, weight, bias, degree)
    if key not in KERNELS:
        dense = {"W_std": weight**0.5, "b_std": bias**0.5 or None}
        activation = (lambda: stax.ElementwiseNumerical(SMOOTH[layer], degree)) if degree else LAYERS[layer]
        layers = [part for _ in range(depth) for part in (stax.Dense(1, **dense), activation())]
        function = stax.serial(*layers, stax.Dense(1, **dense))[2]
        KERNELS[key] = {kind: jax.jit(lambda x, y, k=kind: function(x, y, k)) for kind in ("nngp", "ntk")}
        KERNELS[key] |= {f"{k}, itself": jax.jit(lambda x, k=k: function(x, None, k)) for k in ("nngp", "ntk")}
    return KERNELS[key]


def answer(request):
    if request["task"] == "versions":
        return {"jax": jax.__version__, "neural-tangents": neural_tangents.__version__, "numpy": np.__version__}
    x = np.load(request["x"])
    functions = kernel_function(*(request[name] for name in ("layer", "depth", "weight", "bias", "degree")))
    start = time.perf_counter()
    if request["y"] is None:
        value = functions[request["kind"] + ", itself"](x)
    else:
        value = functions[request["kind"]](x, np.load(request["y"]))
    value = np.asarray(value.block_until_ready())
    seconds = time.perf_counter() - start
    np.save(request["out"], value)
    return {"seconds": seconds}


for line in sys.stdin:
    try:
        reply = answer(json.loads(line))
    except Exception as error:
        reply = {"error": f"{type(error).__name__}: {error}"}
    print(json.dumps(reply), flush=True)
