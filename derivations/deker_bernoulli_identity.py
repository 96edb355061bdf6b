"""DEKer of the Bernoulli family with the canonical link: slope 1, activation the logistic function.

With R the identity the statistic's mean meets E[expit(v)] = 1/2, which does not depend on the angle.  The remaining
expectation E[expit(u) expit(v)] has no closed form; it is a Hermite series.  For regularisation > sup A'' = 1/4 the map
is a contraction on covariance matrices in the Bures-Wasserstein distance, and the fixed point exists and is unique.
"""

from dekderive.citations import cite
from dekderive.derivation import Derivation
from dekderive.families import bernoulli
from dekderive.reparameterisations import Reparameterisation
from dekderive.symbols import z
from dekderive.update_maps import deker

derivation = Derivation(
    deker(Reparameterisation(bernoulli(), z), name="deker_bernoulli_identity"), sources=(cite("tsuchida2023deker"),)
)
