# Generated from derivations/losses/ by `python -m codegen update`; edit those files, not this one.
"""The shipped losses and penalties of kernel GLMs; each name is a `Loss` or a `Penalty`.

* `bernoulli`: bernoulli family, canonical link.
* `binomial`: binomial family, canonical link.
* `chi`: chi family, canonical link.
* `continuous_bernoulli`: continuous_bernoulli family, canonical link.
* `cumulative_logit`: ordered category between two thresholds, logit link.
* `exponential`: exponential family, canonical link.
* `gamma`: gamma family, canonical link.
* `gamma_log`: gamma family with known shape, log link.
* `gaussian`: gaussian family, canonical link.
* `gaussian_penalty`: penalty Q = eta**2*strength/2.
* `geometric`: geometric family, canonical link.
* `half_normal`: half_normal family, canonical link.
* `inverse_gaussian`: inverse_gaussian family, canonical link.
* `langevin`: langevin family, canonical link.
* `logistic_penalty`: penalty Q = strength*(-eta + 2*softplus(eta)).
* `negative_binomial`: negative_binomial family, canonical link.
* `negative_binomial_log`: negative binomial family with known size, log link.
* `poisson`: poisson family, canonical link.
* `probit`: Bernoulli family, probit link.
* `pseudo_huber`: pseudo-Huber loss of a location.
* `pseudo_huber_penalty`: penalty Q = strength*width**2*(sqrt(eta**2/width**2 + 1) - 1).
* `rademacher`: rademacher family, canonical link.
* `truncated_normal`: truncated_normal family, canonical link.
* `tweedie_log`: Tweedie (compound Poisson-gamma) family with known power between 1 and 2, log link.
* `von_mises`: von_mises family, canonical link.
"""

from dekderive.losses._generated.bernoulli import LOSS as bernoulli
from dekderive.losses._generated.binomial import LOSS as binomial
from dekderive.losses._generated.chi import LOSS as chi
from dekderive.losses._generated.continuous_bernoulli import LOSS as continuous_bernoulli
from dekderive.losses._generated.cumulative_logit import LOSS as cumulative_logit
from dekderive.losses._generated.exponential import LOSS as exponential
from dekderive.losses._generated.gamma import LOSS as gamma
from dekderive.losses._generated.gamma_log import LOSS as gamma_log
from dekderive.losses._generated.gaussian import LOSS as gaussian
from dekderive.losses._generated.gaussian_penalty import PENALTY as gaussian_penalty
from dekderive.losses._generated.geometric import LOSS as geometric
from dekderive.losses._generated.half_normal import LOSS as half_normal
from dekderive.losses._generated.inverse_gaussian import LOSS as inverse_gaussian
from dekderive.losses._generated.langevin import LOSS as langevin
from dekderive.losses._generated.logistic_penalty import PENALTY as logistic_penalty
from dekderive.losses._generated.negative_binomial import LOSS as negative_binomial
from dekderive.losses._generated.negative_binomial_log import LOSS as negative_binomial_log
from dekderive.losses._generated.poisson import LOSS as poisson
from dekderive.losses._generated.probit import LOSS as probit
from dekderive.losses._generated.pseudo_huber import LOSS as pseudo_huber
from dekderive.losses._generated.pseudo_huber_penalty import PENALTY as pseudo_huber_penalty
from dekderive.losses._generated.rademacher import LOSS as rademacher
from dekderive.losses._generated.truncated_normal import LOSS as truncated_normal
from dekderive.losses._generated.tweedie_log import LOSS as tweedie_log
from dekderive.losses._generated.von_mises import LOSS as von_mises
from dekderive.losses.loss import Loss, Penalty
from dekderive.losses.pointwise import Pointwise, bind

__all__ = [
    "bernoulli",
    "binomial",
    "chi",
    "continuous_bernoulli",
    "cumulative_logit",
    "exponential",
    "gamma",
    "gamma_log",
    "gaussian",
    "gaussian_penalty",
    "geometric",
    "half_normal",
    "inverse_gaussian",
    "langevin",
    "logistic_penalty",
    "negative_binomial",
    "negative_binomial_log",
    "poisson",
    "probit",
    "pseudo_huber",
    "pseudo_huber_penalty",
    "rademacher",
    "truncated_normal",
    "tweedie_log",
    "von_mises",
    "Loss",
    "Penalty",
    "Pointwise",
    "bind",
]
