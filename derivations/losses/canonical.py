"""Kernel GLMs of the shipped exponential families with their canonical links (Tsuchida et al. 2022, Theorem 3)."""

from dekderive import families
from dekderive.parameters import parameter
from dekderive.update_maps import kglm

degrees = parameter("degrees", positive=True)
shape = parameter("shape", positive=True)
size = parameter("size", positive=True)
trials = parameter("trials", positive=True, integer=True)
noise_variance = parameter("noise_variance", positive=True)

models = (
    kglm(families.bernoulli()),
    kglm(families.binomial(trials), name="binomial"),
    kglm(families.chi(degrees), name="chi"),
    kglm(families.continuous_bernoulli()),
    kglm(families.exponential()),
    kglm(families.gamma(shape), name="gamma"),
    kglm(families.gaussian(), name="gaussian"),
    kglm(families.geometric()),
    kglm(families.half_normal()),
    kglm(families.inverse_gaussian(shape), name="inverse_gaussian"),
    kglm(families.langevin(), name="langevin"),
    kglm(families.negative_binomial(size), name="negative_binomial"),
    kglm(families.poisson()),
    kglm(families.rademacher()),
    kglm(families.truncated_normal()),
    kglm(families.von_mises()),
)
