"""Property tests for your own families and activations: strategies, theorem checks, and ready-made runs of them.

It needs Hypothesis: ``pip install "dekderive[testing]"``.
"""

import importlib.util

from dekderive.errors import MissingExtra

if importlib.util.find_spec("hypothesis") is None:
    raise MissingExtra('dekderive.testing needs Hypothesis, which is not installed; pip install "dekderive[testing]"')

from dekderive.testing import properties
from dekderive.testing.checks import check_activation, check_family, run_property
from dekderive.testing.instances import cosines, kglm_instances, tangent_instances
from dekderive.testing.kglm_instance import KGLMInstance
from dekderive.testing.properties.perturbation import WeightPair, weight_pairs
from dekderive.testing.strategies import (
    Covariance,
    ImagePair,
    activation_pairs,
    activations,
    bounded_models,
    covariances,
    families,
    families_from,
    filters,
    image_pairs,
    links,
    models,
    near_duplicates,
    points,
    points_on_spheres,
)
from dekderive.testing.tangent_instance import TangentInstance

__all__ = [
    "Covariance",
    "ImagePair",
    "KGLMInstance",
    "TangentInstance",
    "WeightPair",
    "activation_pairs",
    "activations",
    "bounded_models",
    "check_activation",
    "check_family",
    "cosines",
    "covariances",
    "families",
    "families_from",
    "filters",
    "image_pairs",
    "kglm_instances",
    "links",
    "models",
    "near_duplicates",
    "points",
    "points_on_spheres",
    "properties",
    "run_property",
    "tangent_instances",
    "weight_pairs",
]
