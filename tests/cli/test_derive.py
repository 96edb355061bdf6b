"""`dekderive derive`: what it writes, and that a refusal is one line and leaves nothing behind."""

import json
import re
import subprocess
import sys

import numpy as np
import pytest
from click.testing import CliRunner

from dekderive.cli import main

RNG = np.random.default_rng(3)


@pytest.fixture
def csv(tmp_path):
    return _table(tmp_path)


def _table(folder):
    rng = np.random.default_rng(3)
    rows = rng.normal(size=(48, 2))
    y = np.maximum(rows[:, 0], 0) - rows[:, 1] + 0.1 * rng.normal(size=48)
    path = folder / "table.csv"
    np.savetxt(path, np.column_stack([rows, y]), delimiter=",", header="a,b,y", comments="", fmt="%.6f")
    return path


def _run(*arguments):
    return CliRunner().invoke(main, ["derive", *map(str, arguments)])


def _left(tmp_path, *known):
    return sorted(p.name for p in tmp_path.iterdir() if p.name not in known)


@pytest.fixture(scope="module")
def fitted(tmp_path_factory):
    """One run with data, which several tests look at: the outcome, and the folder beside which it was written."""
    folder = tmp_path_factory.mktemp("fitted")
    csv, out = _table(folder), folder / "report"
    return _run("gaussian", "--natural-map", "relu(z)", "--data", csv, "--folds", 2, "--out", out, "--json"), folder


def test_a_derivation_with_data(fitted):
    result, folder = fitted
    out = folder / "report"
    assert result.exit_code == 0, result.output
    summary = json.loads(result.stdout)
    assert summary == json.loads((out / "result.json").read_text())
    assert sorted(p.name for p in out.iterdir()) == sorted(summary["files"])
    assert summary["verdict"] == "holds"
    assert (summary["activation"], summary["slope"]) == ("relu(z)", "step(z)")
    assert {s["kernel"] for s in summary["comparison"]["scores"]} == {"DEKer", "RBF"}
    for score in summary["comparison"]["scores"]:
        assert score["mean"] == pytest.approx(np.mean(score["folds"]))
        assert len(score["folds"]) == len(score["chosen"]) == 2
        assert score["mean"] < 0.8  # the target has standard deviation 1.2
    assert summary["data"] | {"sha256": ""} == {
        "name": "table", "task": "regression", "target": "y", "rows": 48, "features": 2, "sha256": "",
    }  # fmt: skip
    options = summary["provenance"]["options"]
    assert (options["data"], options["seed"], options["folds"]) == ("table.csv", "0", "2")
    assert str(folder) not in json.dumps(summary)  # where the files lay is nobody's business
    assert "fitting table" in result.stderr
    assert "\x1b" not in result.stderr  # no terminal, no control characters
    assert _left(folder, "table.csv") == ["report"]


def test_the_report_stands_alone(fitted):
    page = (fitted[1] / "report" / "report.html").read_text(encoding="utf-8")
    assert len(page) < 1_500_000
    assert not re.search(r"<(script|link|iframe|img)\b|@import|url\((?!#)", page)
    assert set(re.findall(r'https?://[^"\s<]+', page)) <= {"http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink"}
    identifiers = re.findall(r'\bid="([^"]+)"', page)
    assert len(identifiers) == len(set(identifiers))
    assert set(re.findall(r'(?:url\(#|href="#)([^)"]+)', page)) <= set(identifiers)
    for words in (
        "Exponential family",
        "Gaussian expectations",
        "Checks",
        "Convergence of the fixed point",
        "Gram matrix",
    ):
        assert words in page
    assert "<code>" not in page.split("Checks</h2>")[0]  # every formula was set, none is shown as source
    assert 'aria-label="A' in page


def test_a_series_is_reported_as_one(tmp_path):
    out = tmp_path / "report"
    result = _run("bernoulli", "--out", out, "--quiet")
    assert result.exit_code == 2, result.output  # no closed form, so the agreement of the equations is undecided
    page = (out / "report.html").read_text(encoding="utf-8")
    assert "Hermite coefficients" in page
    assert "<code>" not in page.split("Checks</h2>")[0]


def test_the_module_is_importable_and_needs_no_sympy(tmp_path):
    out = tmp_path / "kernel"
    result = _run("gaussian", "--natural-map", "2*z", "--regularisation", 5, "--out", out, "--no-report", "--quiet")
    assert result.exit_code == 0, result.output
    assert sorted(p.name for p in out.iterdir()) == ["deker_gaussian_2_z.py", "result.json"]
    # R = 2 z: slope 2, activation 4 z, so lambda^2 k = 4 c + 16 k and K = 4 c / (lambda^2 - 16).
    code = (
        "import sys; sys.path.insert(0, sys.argv[1]); from deker_gaussian_2_z import KERNEL; import numpy as np;"
        "from dekderive.gram import gram, moments; X = np.array([[1.0, 2.0], [3.0, -1.0]]);"
        "K = gram(KERNEL, X, moments=moments.linear(), regularisation=5.0);"
        "assert np.allclose(K, 4 * X @ X.T / 9, rtol=1e-12), K; assert 'sympy' not in sys.modules"
    )
    done = subprocess.run([sys.executable, "-c", code, str(out)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_a_new_family_by_its_log_partition(tmp_path):
    out = tmp_path / "rate"
    result = _run(
        "rate", "--log-partition", "-2*log(-eta)", "--domain", "(-inf, 0)", "--natural-map", "-exp(-z)",
        "--out", out, "--no-report", "--json", "--quiet",
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    summary = json.loads(result.stdout)
    assert (summary["family"], summary["activation"], summary["slope"]) == ("rate", "2", "exp(-z)")
    assert summary["duals"]["slope_slope"].replace(" ", "") in ("exp(kxx/2+kxy+kyy/2)", "exp(kxy+kxx/2+kyy/2)")


def test_an_activation_determines_the_natural_map(tmp_path):
    out = tmp_path / "act"
    result = _run("poisson", "--activation", "exp(z)", "--out", out, "--no-report", "--json", "--quiet")
    assert result.exit_code in (0, 2), result.output
    assert json.loads(result.stdout)["natural_map"] == "z"


def test_an_undecided_check_exits_with_2(tmp_path):
    out = tmp_path / "tanh"
    result = _run("rademacher", "--regularisation", 2, "--out", out, "--no-report", "--quiet")
    assert result.exit_code == 2, result.output
    assert "undecided" in result.stdout
    assert (out / "deker_rademacher_identity.py").is_file()


def test_classes(tmp_path):
    rows = RNG.normal(size=(40, 2))
    labels = np.where(rows[:, 0] > 0, "up", "down")
    lines = ["a,b,side", *(f"{a:.4f},{b:.4f},{c}" for (a, b), c in zip(rows, labels, strict=True))]
    path = tmp_path / "classes.csv"
    path.write_text("\n".join(lines))
    out = tmp_path / "out"
    result = _run(
        "gaussian", "--natural-map", "relu(z)", "--data", path, "--folds", 2, "--out", out, "--json", "--quiet"
    )
    assert result.exit_code == 0, result.output
    scores = json.loads(result.stdout)["comparison"]
    assert scores["metric"] == "accuracy"
    assert all(s["mean"] > 0.7 for s in scores["scores"])
    assert "confusion" in (out / "report.html").read_text(encoding="utf-8")


def test_the_same_call_writes_the_same_folder(fitted, tmp_path):
    _, folder = fitted
    again = tmp_path / "again"
    _run(
        "gaussian", "--natural-map", "relu(z)", "--data", folder / "table.csv", "--folds", 2, "--out", again, "--quiet"
    )
    first = {p.name: p.read_bytes() for p in (folder / "report").iterdir()}
    assert first == {p.name: p.read_bytes() for p in again.iterdir()}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["gausian"], "no family 'gausian'; known: bernoulli"),
        (["binomial(0)"], "positive whole number"),
        (["gaussian", "--natural-map", "relu(z).__class__"], "--natural-map: '.__class__' at column 8"),
        (["gaussian", "--natural-map", "2**10**10"], "an exponent beyond 100"),
        (["gaussian", "--natural-map", "eta"], "'eta' at column 1: this name is not known here. Allowed: numbers, z"),
        (["gaussian", "--natural-map", "z", "--activation", "z"], "give one of them"),
        (["gaussian", "--constant", "1"], "--constant belongs to --activation"),
        (["gaussian", "--activation", "relu(z)", "--constant", "z"], "--constant: 'z' at column 1"),
        (["gaussian", "--domain", "(0, 1)"], "--domain belongs to --log-partition"),
        (["gaussian", "--log-partition", "eta**2"], "'gaussian' is a shipped family"),
        (["mine", "--log-partition", "eta**2", "--domain", "0..1"], "--domain: '0..1' is not an open interval"),
        (["mine", "--log-partition", "-eta**2"], "convex"),
        (["my family", "--log-partition", "eta**2"], "a new family needs a name of letters"),
        (["gamma(2)"], "domain"),
        (["gaussian", "--moments", "quadratic"], "there are no moments named 'quadratic'"),
        (["gaussian", "--natural-map", "relu(z)", "--regularisation", "0.5"], "no fixed point"),
        (["gaussian", "--regularisation", "1"], "no fixed point"),
        (["gaussian", "--regularisation", "-1"], "must be a positive number"),
        (["gaussian", "--regularisation", "nan"], "must be a positive number"),
        (["gamma(2)", "--natural-map", "-exp(-z**2)"], "is 0 for every input"),
        (["gaussian", "--data", "diabtes"], "no data set 'diabtes'"),
        (["gaussian", "--data", "TABLE", "--target", "z"], "no column 'z'; the columns are a, b, y"),
        (["gaussian", "--data", "TABLE", "--folds", "30"], "too few for 30 folds"),
        (["gaussian", "--data", "NAN"], "line 3, column 'b': nan is not a finite number"),
        (["gaussian", "--data", "TABLE", "--data-dir", "nowhere/at/all", "--name", "a b"], "--name 'a b'"),
        (["gaussian", "--data", "yacht", "--data-dir", "nowhere/at/all"], "data folder nowhere/at/all does not exist"),
        (["gaussian", "--data", "TABLE", "--natural-map", "relu(z)", "--regularisation", "0.7"], "no fixed point"),
    ],
)
def test_a_refusal_is_one_line_and_leaves_nothing(tmp_path, csv, arguments, message):
    (tmp_path / "nan.csv").write_text("a,b\n1,2\n3,nan\n5,6\n")
    places = {"TABLE": str(csv), "NAN": str(tmp_path / "nan.csv")}
    result = _run(*(places.get(a, a) for a in arguments), "--out", tmp_path / "out", "--quiet")
    assert result.exit_code == 1, result.output
    lines = result.stderr.strip().splitlines()
    assert len(lines) == 1
    assert lines[0].startswith("Error: ")
    assert message in lines[0]
    assert "Traceback" not in result.output
    assert _left(tmp_path, "table.csv", "nan.csv") == []


def test_an_existing_folder_is_left_alone(tmp_path):
    out = tmp_path / "mine"
    out.mkdir()
    (out / "thesis.tex").write_text("ten years of work")
    arguments = ["gaussian", "--natural-map", "relu(z)", "--out", out, "--no-report", "--quiet"]
    for flag, words in ([], "exists; nothing was written"), (["--overwrite"], "not a folder that this command wrote"):
        result = _run(*arguments, *flag)
        assert result.exit_code == 1
        assert words in result.stderr
        assert (out / "thesis.tex").read_text() == "ten years of work"
    assert _left(tmp_path) == ["mine"]


def test_overwrite_replaces_our_own_folder(tmp_path):
    out = tmp_path / "mine"
    arguments = ["gaussian", "--natural-map", "relu(z)", "--out", out, "--no-report", "--quiet"]
    assert _run(*arguments).exit_code == 0
    (out / "stale.txt").write_text("from before")
    refused = _run(*arguments)
    assert refused.exit_code == 1
    assert (out / "stale.txt").is_file()
    assert _run(*arguments, "--overwrite").exit_code == 0
    assert sorted(p.name for p in out.iterdir()) == ["deker_gaussian_relu.py", "result.json"]
    assert _left(tmp_path) == ["mine"]


def test_a_failed_overwrite_keeps_the_old_folder(tmp_path):
    out = tmp_path / "mine"
    arguments = ["gaussian", "--natural-map", "relu(z)", "--out", out, "--no-report", "--quiet"]
    _run(*arguments)
    before = {p.name: p.read_bytes() for p in out.iterdir()}
    assert _run(*arguments, "--overwrite", "--regularisation", "0.1").exit_code == 1
    assert {p.name: p.read_bytes() for p in out.iterdir()} == before
    assert _left(tmp_path) == ["mine"]


def test_a_missing_parent_is_named(tmp_path):
    result = _run("gaussian", "--out", tmp_path / "no" / "where", "--quiet")
    assert result.exit_code == 1
    assert f"the folder {tmp_path / 'no'} does not exist" in result.stderr


def test_a_missing_extra_is_named(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "jinja2", None)
    result = _run("gaussian", "--natural-map", "relu(z)", "--out", tmp_path / "out", "--quiet")
    assert result.exit_code == 1
    assert "pip install 'dekderive[report]'" in result.stderr
    assert _left(tmp_path) == []


def test_a_wrong_command_line_exits_with_64(tmp_path):
    for arguments in (["gaussian"], ["gaussian", "--out", tmp_path / "o", "--folds", "x"], ["--no-such-option"]):
        result = _run(*arguments)
        assert result.exit_code == 64
        assert "Usage:" in result.stderr
    assert _left(tmp_path) == []
