"""Compiled univariate kernels: what is proved of them, what is kept of them, and the modules that are emitted."""

import ast
import dataclasses
import subprocess
import sys

import numpy as np
import pytest
import sympy as sp

from dekderive.atoms import abrelu, leaky_relu
from dekderive.certificates.univariate import error_bound, exact_values
from dekderive.errors import InvalidInput, NoClosedForm
from dekderive.gram import gram
from dekderive.kernels import deq_ntk_erf, deq_ntk_relu
from dekderive.programs import compile, compile_univariate, emit_univariate, univariate_text
from dekderive.symbols import z
from dekderive.update_maps import deq_ntk, normalised

ACTIVATIONS = {
    "leaky": leaky_relu(z, sp.Rational(1, 5)),
    "absolute": sp.Abs(z),
    "abrelu": abrelu(z, sp.Rational(1, 2), sp.Rational(-1, 4)),
}


@pytest.mark.parametrize("weight", [0.0, 0.01, 0.25, 0.6, 0.8, 0.95, 0.99])
def test_proved_bounds_of_the_rectifier(weight):
    record = compile_univariate(deq_ntk_relu, weight_variance=weight)
    assert record.proved
    assert 0 < record.error_bound <= 1e-15
    gaps = [0.0, 1e-12, 1e-3, 0.3, 1.1, 1.9, 2.0]
    np.testing.assert_allclose(
        record(gaps), exact_values(record, deq_ntk_relu, gaps), rtol=0, atol=record.error_bound + record.rounding_bound
    )


@pytest.mark.parametrize("name", sorted(ACTIVATIONS))
def test_other_homogeneous_activations(name):
    kernel = compile(deq_ntk(normalised(ACTIVATIONS[name]), name=f"deq_ntk_{name}"))
    rng = np.random.default_rng(0)
    X = rng.normal(size=(12, 3))
    X[3] = X[2] + 1e-8
    X[5] = -X[4]
    for weight in (0.3, 0.85):
        record = compile_univariate(kernel, weight_variance=weight, bias_variance=0.2)
        assert record.proved
        assert record.error_bound <= 1e-15
        K = gram(kernel, X, weight_variance=weight, bias_variance=0.2)
        np.testing.assert_allclose(gram(record, X), K, rtol=0, atol=3e-12 * np.diag(K).max())


@pytest.mark.parametrize("place", ["first", "middle", "last", "slope", "constant"])
def test_a_wrong_number_shows_in_the_bound(place):
    record = compile_univariate(deq_ntk_relu, weight_variance=0.8)
    c, error = list(record.coefficients), 1e-11
    if place in ("slope", "constant"):
        wrong = dataclasses.replace(record, **{place: getattr(record, place) * (1 + error)})
    else:
        c[{"first": 0, "middle": len(c) // 2, "last": -1}[place]] += error
        wrong = dataclasses.replace(record, coefficients=tuple(c))
    assert 1e-13 < error_bound(wrong, deq_ntk_relu) < 1e-9


def test_the_bound_holds_for_another_kernel_only_if_it_is_that_kernel():
    record = compile_univariate(deq_ntk_relu, weight_variance=0.5)
    other = dataclasses.replace(record, parameters=(("weight_variance", 0.5001), *record.parameters[1:]))
    assert error_bound(other, deq_ntk_relu) > 1e-6


def test_records_are_kept_and_changed_files_are_not_believed(tmp_path, monkeypatch):
    monkeypatch.setattr(univariate_text, "_proved", {})
    record = compile_univariate(deq_ntk_relu, cache=tmp_path / "folder", weight_variance=0.3)
    (file,) = (tmp_path / "folder").glob("deq_ntk_relu-*.json")
    monkeypatch.setattr(univariate_text, "_proved", {})
    monkeypatch.setattr(univariate_text, "_proof", lambda *_: pytest.fail("was proved again"))
    assert compile_univariate(deq_ntk_relu, cache=tmp_path / "folder", weight_variance=0.3) == record
    text = file.read_text()
    for damage in (text.replace(repr(record.coefficients[1]), "0.125"), text[:100], "[]"):
        file.write_text(damage)
        monkeypatch.setattr(univariate_text, "_proved", {})
        monkeypatch.setattr(univariate_text, "_proof", lambda *_: "proved again")
        assert compile_univariate(deq_ntk_relu, cache=tmp_path / "folder", weight_variance=0.3) == "proved again"


@pytest.mark.parametrize("weight", [0.25, 0.7, 0.9])
def test_emitted_modules_need_numpy_alone(tmp_path, weight):
    parameters = {"weight_variance": weight, "input_variance": 0.7, "bias_variance": 0.2}
    text = emit_univariate(deq_ntk_relu, header="# Mine.", **parameters)
    assert text == emit_univariate(deq_ntk_relu, header="# Mine.", **parameters)
    assert text.startswith('# Mine.\n"""')
    assert "@" not in text.replace("u @ v.T", "")
    imported = [
        node.names[0].name for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Import | ast.ImportFrom)
    ]
    assert imported == ["numpy"]
    (tmp_path / "kernel.py").write_text(text)
    X = np.random.default_rng(0).normal(size=(8, 3))
    X[1] = X[0] + 1e-9
    X[2] = 0
    np.save(tmp_path / "X.npy", X)
    program = (
        "import sys, numpy as np, kernel\n"
        "assert not any(name.startswith('dekderive') for name in sys.modules)\n"
        "X = np.load('X.npy')\n"
        "assert kernel.self_check() < 2e-14\n"
        "np.save('K.npy', kernel.kernel(X)), np.save('C.npy', kernel.kernel(X, X[:3]))\n"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    record = compile_univariate(deq_ntk_relu, **parameters)
    for name, Y in (("K", None), ("C", X[:3])):
        K = gram(record, X, Y)
        np.testing.assert_allclose(np.load(tmp_path / f"{name}.npy"), K, rtol=0, atol=2e-14 * np.abs(K).max())


def test_golden_values_notice_a_wrong_coefficient():
    text = emit_univariate(deq_ntk_relu, weight_variance=0.5)
    names: dict = {}
    exec(text.replace("COEFFICIENTS = (\n", "COEFFICIENTS = (\n    1e-9 +"), names)
    assert names["self_check"]() > 1e-11


def test_refusals():
    with pytest.raises(InvalidInput, match="not homogeneous"):
        compile_univariate(deq_ntk_erf, weight_variance=0.3)
    with pytest.raises(InvalidInput, match="has no parameter 'depth'"):
        compile_univariate(deq_ntk_relu, depth=3)
    with pytest.raises(NoClosedForm, match="limit of contraction"):
        compile_univariate(deq_ntk_relu, weight_variance=0.9999)
