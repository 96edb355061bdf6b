"""What theorems promise, as plain functions of one instance that raise `PropertyFailed` with the numbers.

Under ``@given`` they are property tests; the object that is judged can be passed in where it is not the package's own.
"""

from dekderive.testing.properties.convolution import is_convolution, norm_is_bounded, tapered_is_definite
from dekderive.testing.properties.duals import dual_value, hermite_sum, positive_definite, price
from dekderive.testing.properties.families import (
    loss_is_the_family,
    mean_inverts,
    mean_is_monotone,
    variance_is_bounded,
)
from dekderive.testing.properties.kglm import (
    damped_rate,
    fixed_point,
    mean_fixed_point,
    null_vectors,
    prediction,
    solvers_agree,
    uniqueness,
)
from dekderive.testing.properties.kglm_variants import (
    fit_gradients,
    jacobian_in_predictors,
    jacobian_of_layer,
    layer_jacobian,
    leave_one_out,
    offset_outside,
    scale_invariance,
    translation,
    weights_duplicate,
)
from dekderive.testing.properties.perturbation import (
    coarse_inequality,
    gaussian_norm_tail,
    nearest_definite,
    two_weight_matrices,
)
from dekderive.testing.properties.tangent import (
    finite_depth,
    gradients,
    gram_is_definite,
    iterations_agree,
    monotone_in_cosine,
    tangent_at_duplicates,
    tangent_fixed_point,
)

__all__ = [
    "coarse_inequality",
    "damped_rate",
    "dual_value",
    "finite_depth",
    "fit_gradients",
    "fixed_point",
    "gaussian_norm_tail",
    "gradients",
    "gram_is_definite",
    "hermite_sum",
    "is_convolution",
    "iterations_agree",
    "jacobian_in_predictors",
    "jacobian_of_layer",
    "layer_jacobian",
    "leave_one_out",
    "loss_is_the_family",
    "mean_fixed_point",
    "mean_inverts",
    "mean_is_monotone",
    "monotone_in_cosine",
    "nearest_definite",
    "norm_is_bounded",
    "null_vectors",
    "offset_outside",
    "positive_definite",
    "prediction",
    "price",
    "scale_invariance",
    "solvers_agree",
    "tangent_at_duplicates",
    "tangent_fixed_point",
    "tapered_is_definite",
    "translation",
    "two_weight_matrices",
    "uniqueness",
    "variance_is_bounded",
    "weights_duplicate",
]
