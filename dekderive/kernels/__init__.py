# Generated from derivations/ by `python -m codegen update`; edit those files, not this one.
"""The shipped kernels, each derived in the file of its name in derivations/.

A `Kernel` is of infinite depth; a `LayeredKernel` is of the depth that `with_depth` gives it.

* `deker_bernoulli_identity`: DEKer of the Bernoulli family with the canonical link: slope 1, activation the logistic function.
* `deker_gamma_log`: DEKer of the gamma family (known shape) with the log link: R = -exp(-z), slope exp(-z), activation the shape.
* `deker_gaussian_erf`: DEKer of the Gaussian family with natural map erf: slope 2 exp(-z^2)/sqrt(pi), activation erf(z) times that.
* `deker_gaussian_relu`: DEKer of the Gaussian family with natural map R = relu: slope H (Heaviside), activation relu.
* `deker_poisson_identity`: DEKer of the Poisson family with the canonical (log) link: slope 1, activation exp.
* `deker_poisson_log_softplus`: DEKer of the Poisson family with mean softplus(z): R = log softplus, slope expit/softplus, activation expit.
* `deker_rademacher_identity`: DEKer of the Rademacher (Ising) family with the canonical link: slope 1, activation tanh.
* `deq_nngp_erf`: Gaussian process of the deep equilibrium model with the normalised error function: the covariance of its fixed point.
* `deq_nngp_gelu`: Gaussian process of the deep equilibrium model with the normalised GELU: the covariance of its fixed point.
* `deq_nngp_relu`: Gaussian process of the deep equilibrium model with the normalised ReLU: the covariance of its fixed point.
* `deq_ntk_erf`: Tangent kernel of the deep equilibrium model with the normalised error function.
* `deq_ntk_gelu`: Tangent kernel of the deep equilibrium model with the normalised GELU, z Phi(z).
* `deq_ntk_relu`: Tangent kernel of the deep equilibrium model with the normalised ReLU, sqrt(2) relu (Feng and Kolter, Theorem 2).
* `deq_ntk_tanh`: Tangent kernel of the deep equilibrium model with the normalised hyperbolic tangent.
* `implicit_ck_erf`: Conjugate kernel of the implicit network with the error function (after Ling et al.).
* `implicit_ck_relu`: Conjugate kernel of the implicit network with centred ReLU (after Ling et al.).
* `implicit_ck_tanh`: Conjugate kernel of the implicit network with the hyperbolic tangent (after Ling et al.).
* `implicit_ntk_erf`: Tangent kernel of the implicit network with the error function, input weights frozen (after Ling et al.).
* `implicit_ntk_relu`: Tangent kernel of the implicit network with centred ReLU, input weights frozen (after Ling et al.).
* `implicit_ntk_tanh`: Tangent kernel of the implicit network with the hyperbolic tangent, input weights frozen (after Ling et al.).
* `nngp_erf`: Gaussian process of a wide network with the error function: Williams' arcsine, layer by layer.
* `nngp_gelu`: Gaussian process of a wide network with the GELU, z Phi(z).
* `nngp_relu`: Gaussian process of a wide ReLU network: the arc-cosine kernel of degree 1, layer by layer.
* `ntk_erf`: Tangent kernel of a wide network with the error function.
* `ntk_gelu`: Tangent kernel of a wide network with the GELU, z Phi(z).
* `ntk_relu`: Tangent kernel of a wide ReLU network (Jacot, Gabriel and Hongler).
"""

from dekderive.kernels._generated.deker_bernoulli_identity import KERNEL as deker_bernoulli_identity
from dekderive.kernels._generated.deker_gamma_log import KERNEL as deker_gamma_log
from dekderive.kernels._generated.deker_gaussian_erf import KERNEL as deker_gaussian_erf
from dekderive.kernels._generated.deker_gaussian_relu import KERNEL as deker_gaussian_relu
from dekderive.kernels._generated.deker_poisson_identity import KERNEL as deker_poisson_identity
from dekderive.kernels._generated.deker_poisson_log_softplus import KERNEL as deker_poisson_log_softplus
from dekderive.kernels._generated.deker_rademacher_identity import KERNEL as deker_rademacher_identity
from dekderive.kernels._generated.deq_nngp_erf import KERNEL as deq_nngp_erf
from dekderive.kernels._generated.deq_nngp_gelu import KERNEL as deq_nngp_gelu
from dekderive.kernels._generated.deq_nngp_relu import KERNEL as deq_nngp_relu
from dekderive.kernels._generated.deq_ntk_erf import KERNEL as deq_ntk_erf
from dekderive.kernels._generated.deq_ntk_gelu import KERNEL as deq_ntk_gelu
from dekderive.kernels._generated.deq_ntk_relu import KERNEL as deq_ntk_relu
from dekderive.kernels._generated.deq_ntk_tanh import KERNEL as deq_ntk_tanh
from dekderive.kernels._generated.implicit_ck_erf import KERNEL as implicit_ck_erf
from dekderive.kernels._generated.implicit_ck_relu import KERNEL as implicit_ck_relu
from dekderive.kernels._generated.implicit_ck_tanh import KERNEL as implicit_ck_tanh
from dekderive.kernels._generated.implicit_ntk_erf import KERNEL as implicit_ntk_erf
from dekderive.kernels._generated.implicit_ntk_relu import KERNEL as implicit_ntk_relu
from dekderive.kernels._generated.implicit_ntk_tanh import KERNEL as implicit_ntk_tanh
from dekderive.kernels._generated.nngp_erf import KERNEL as nngp_erf
from dekderive.kernels._generated.nngp_gelu import KERNEL as nngp_gelu
from dekderive.kernels._generated.nngp_relu import KERNEL as nngp_relu
from dekderive.kernels._generated.ntk_erf import KERNEL as ntk_erf
from dekderive.kernels._generated.ntk_gelu import KERNEL as ntk_gelu
from dekderive.kernels._generated.ntk_relu import KERNEL as ntk_relu
from dekderive.kernels.kernel import Kernel
from dekderive.kernels.layered import LayeredKernel

__all__ = [
    "Kernel",
    "LayeredKernel",
    "deker_bernoulli_identity",
    "deker_gamma_log",
    "deker_gaussian_erf",
    "deker_gaussian_relu",
    "deker_poisson_identity",
    "deker_poisson_log_softplus",
    "deker_rademacher_identity",
    "deq_nngp_erf",
    "deq_nngp_gelu",
    "deq_nngp_relu",
    "deq_ntk_erf",
    "deq_ntk_gelu",
    "deq_ntk_relu",
    "deq_ntk_tanh",
    "implicit_ck_erf",
    "implicit_ck_relu",
    "implicit_ck_tanh",
    "implicit_ntk_erf",
    "implicit_ntk_relu",
    "implicit_ntk_tanh",
    "nngp_erf",
    "nngp_gelu",
    "nngp_relu",
    "ntk_erf",
    "ntk_gelu",
    "ntk_relu",
]
