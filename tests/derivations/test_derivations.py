"""Every shipped derivation: no check fails, and what has a closed form is proved."""

import runpy
from pathlib import Path

import pytest

from dekderive.derivation import Derivation
from dekderive.kernels.layered import LayeredKernel
from dekderive.programs import compile, emit
from dekderive.verdict import Verdict

FOLDER = Path(__file__).parents[2] / "derivations"
FILES = sorted(FOLDER.glob("*.py"))


@pytest.fixture(scope="module", params=FILES, ids=lambda p: p.stem)
def derivation(request):
    return runpy.run_path(str(request.param))["derivation"], request.param.stem


def test_the_file_is_named_after_its_kernel(derivation):
    record, stem = derivation
    assert isinstance(record, Derivation)
    assert record.name == stem


def test_no_check_fails_and_closed_forms_are_proved(derivation):
    record, _ = derivation
    numeric = any(not d.closed for _, d in record.update_map.duals)
    for check in record.checks():
        undecided = numeric and check.name in ("dual", "diagonal")
        assert check.verdict is (Verdict.UNDECIDED if undecided else Verdict.HOLDS), check


def test_text_is_deterministic_and_compiles(derivation):
    record, stem = derivation
    text = emit(record)
    assert text == emit(record)
    assert "sympy" not in text
    kernel = compile(record)
    assert kernel.name == stem
    assert kernel.spec == record.spec
    if isinstance(kernel, LayeredKernel):
        assert set(kernel.activation.value.arguments) <= {"angle", "kxx", "kyy", *kernel.parameter_names}
        return
    assert set(kernel.readout.arguments) <= {"angle", "correlation", "kxx", "kyy", *kernel.parameter_names}


def test_derivations_cover_what_is_promised():
    promised = {
        "deker_gaussian_relu",
        "deker_bernoulli_identity",
        "deker_poisson_log_softplus",
        "deker_poisson_identity",
        "deker_gamma_log",
        "deq_ntk_relu",
        "deq_ntk_erf",
        "nngp_relu",
        "ntk_relu",
        "ntk_erf",
        "ntk_gelu",
    }
    assert promised <= {p.stem for p in FILES}
