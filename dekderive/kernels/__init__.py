# Generated from derivations/ by `python -m codegen update`; edit those files, not this one.
"""The shipped kernels; each name is a `Kernel`, derived in the file of that name in derivations/.

* `deker_bernoulli_identity`: DEKer of the Bernoulli family with the canonical link: slope 1, activation the logistic function.
* `deker_gamma_log`: DEKer of the gamma family (known shape) with the log link: R = -exp(-z), slope exp(-z), activation the shape.
* `deker_gaussian_erf`: DEKer of the Gaussian family with natural map erf: slope 2 exp(-z^2)/sqrt(pi), activation erf(z) times that.
* `deker_gaussian_relu`: DEKer of the Gaussian family with natural map R = relu: slope H (Heaviside), activation relu.
* `deker_poisson_identity`: DEKer of the Poisson family with the canonical (log) link: slope 1, activation exp.
* `deker_poisson_log_softplus`: DEKer of the Poisson family with mean softplus(z): R = log softplus, slope expit/softplus, activation expit.
* `deker_rademacher_identity`: DEKer of the Rademacher (Ising) family with the canonical link: slope 1, activation tanh.
* `deq_ntk_erf`: Tangent kernel of the deep equilibrium model with the normalised error function.
* `deq_ntk_relu`: Tangent kernel of the deep equilibrium model with the normalised ReLU, sqrt(2) relu (Feng and Kolter, Theorem 2).
"""

from dekderive.kernels._generated.deker_bernoulli_identity import KERNEL as deker_bernoulli_identity
from dekderive.kernels._generated.deker_gamma_log import KERNEL as deker_gamma_log
from dekderive.kernels._generated.deker_gaussian_erf import KERNEL as deker_gaussian_erf
from dekderive.kernels._generated.deker_gaussian_relu import KERNEL as deker_gaussian_relu
from dekderive.kernels._generated.deker_poisson_identity import KERNEL as deker_poisson_identity
from dekderive.kernels._generated.deker_poisson_log_softplus import KERNEL as deker_poisson_log_softplus
from dekderive.kernels._generated.deker_rademacher_identity import KERNEL as deker_rademacher_identity
from dekderive.kernels._generated.deq_ntk_erf import KERNEL as deq_ntk_erf
from dekderive.kernels._generated.deq_ntk_relu import KERNEL as deq_ntk_relu
from dekderive.kernels.kernel import Kernel

__all__ = [
    "Kernel",
    "deker_bernoulli_identity",
    "deker_gamma_log",
    "deker_gaussian_erf",
    "deker_gaussian_relu",
    "deker_poisson_identity",
    "deker_poisson_log_softplus",
    "deker_rademacher_identity",
    "deq_ntk_erf",
    "deq_ntk_relu",
]
