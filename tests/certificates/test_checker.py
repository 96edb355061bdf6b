"""The checker accepts proofs, and nothing else: every kind of claim, and every kind of tampering."""

import copy
import json
import subprocess
import sys

import pytest

from dekderive.certificates.checker.certificate import FORMAT, check, check_text, digest

EXPIT = [["variable", "z"], ["expit", 0]]
VARIANCE = [*EXPIT, ["negate", 0], ["expit", 2], ["multiply", 1, 3]]  # expit(z) expit(-z)
SQUARE = [
    *EXPIT,
    ["rational", "-1/2"],
    ["add", 1, 2],
    ["power", 3, 2],
    ["negate", 4],
    ["rational", "1/4"],
    ["add", 5, 6],
]
COSINE = [["variable", "x"], ["cos", 0]]
GAP = [*COSINE, ["negate", 1], ["add", 0, 2]]  # x - cos x
LINE = {"z": ["-inf", "inf"]}


def certificate(claim, domain, proofs):
    content = {"format": FORMAT, "claim": claim, "domain": domain, "proofs": proofs}
    return {**content, "digest": digest(content)}


BOUND = certificate(
    {"kind": "bound", "program": SQUARE, "at_most": "1/4", "at_least": "0"}, LINE, [["natural"], ["natural"]]
)
CUT = certificate(
    {"kind": "bound", "program": GAP, "at_most": "5/2"},
    {"x": ["0", "2"]},
    [[[0, "1"], "natural", [0, "3/2"], "mean value", "monotone"]],
)
CONTRACTION = certificate(
    {"kind": "contraction", "coordinates": ["x"], "map": [COSINE], "modulus": "17/20"},
    {"x": ["0", "1"]},
    [["natural"]] * 4,
)
ROOT = certificate(
    {
        "kind": "unique root",
        "variable": "x",
        "program": GAP,
        "pieces": [["0", "1/2", "negative"], ["1/2", "1", "increasing"], ["1", "2", "positive"]],
    },
    {"x": ["0", "2"]},
    [["mean value"], ["natural"], ["natural"], ["natural"], ["mean value"]],
)
EXISTENCE = certificate(
    {"kind": "existence", "equations": [GAP], "preconditioner": [["3/5"]]}, {"x": ["7/10", "4/5"]}, []
)
IDENTITY = certificate(
    {
        "kind": "identity",
        "left": SQUARE,
        "right": [*EXPIT, ["rational", "1"], ["negate", 1], ["add", 2, 3], ["multiply", 1, 4]],
    },
    LINE,
    [],
)
EXPECTATION = certificate(
    {"kind": "expectation", "program": VARIANCE, "variance": "1", "at_most": "22/100"},
    LINE,
    [[f"{k}/4" for k in range(-24, 25)]],
)
SOFT = [["variable", "z"], ["log_softplus_slope", 0]]
QUOTIENT = certificate({"kind": "bound", "program": SOFT, "at_most": "1", "at_least": "0"}, LINE, [["natural"]] * 2)
ALL = {
    "bound": BOUND,
    "quotient": QUOTIENT,
    "cut": CUT,
    "contraction": CONTRACTION,
    "root": ROOT,
    "existence": EXISTENCE,
    "identity": IDENTITY,
    "expectation": EXPECTATION,
}


def changed(original, path, value):
    """A copy with one entry changed, and the digest made to fit again: only the mathematics can tell."""
    content = copy.deepcopy(original)
    place = content
    for key in path[:-1]:
        place = place[key]
    if value is None:
        del place[path[-1]]
    else:
        place[path[-1]] = value
    content["digest"] = digest(content)
    return content


@pytest.mark.parametrize("name", ALL)
def test_proofs_are_accepted(name):
    assert check(ALL[name]).holds, check(ALL[name]).reason


@pytest.mark.parametrize("name", ALL)
def test_the_digest_is_compared(name):
    assert "digest" in check({**ALL[name], "digest": "0" * 64}).reason


FALSE = [
    (BOUND, ["claim", "at_most"], "6/25"),
    (BOUND, ["claim", "at_least"], "1/1000"),
    (BOUND, ["claim", "program", 6], ["rational", "1/3"]),
    (BOUND, ["claim", "program", 3], ["add", 1, 1]),
    (BOUND, ["proofs"], [["natural"]]),
    (BOUND, ["proofs"], [["natural"], ["natural"], ["natural"]]),
    (BOUND, ["proofs", 0], []),
    (BOUND, ["proofs", 0], ["natural", "natural"]),
    (BOUND, ["proofs", 0], [[0, "1"], "natural"]),
    (BOUND, ["proofs", 0], ["believe me"]),
    (BOUND, ["format"], "dekderive.certificate/0"),
    (CUT, ["domain", "x"], ["0", "3"]),
    (CUT, ["domain", "x"], ["2", "0"]),
    (CUT, ["proofs", 0, 0], [0, "5"]),
    (CUT, ["proofs", 0, 0], [1, "1"]),
    (CUT, ["proofs", 0, 2], [0, "1/2"]),
    (CUT, ["claim", "at_most"], "6/5"),
    (CONTRACTION, ["claim", "modulus"], "4/5"),
    (CONTRACTION, ["claim", "modulus"], "1"),
    (CONTRACTION, ["claim", "coordinates"], []),
    (CONTRACTION, ["claim", "coordinates"], ["y"]),
    (CONTRACTION, ["domain", "x"], ["0", "1/2"]),  # contracts, but leaves the box
    (CONTRACTION, ["domain", "x"], ["0", "2"]),
    (CONTRACTION, ["claim", "weights"], ["-1"]),
    (ROOT, ["claim", "pieces"], [["0", "1/2", "negative"], ["1/2", "2", "increasing"]]),  # true, but not proved
    (ROOT, ["claim", "pieces", 1], ["1/2", "9/10", "increasing"]),
    (ROOT, ["claim", "pieces", 0], ["0", "1/2", "positive"]),
    (ROOT, ["claim", "pieces"], [["1/2", "1", "increasing"]]),
    (ROOT, ["domain", "x"], ["0", "3"]),
    (ROOT, ["claim", "program"], [*GAP, ["negate", 3]]),
    (EXISTENCE, ["domain", "x"], ["4/5", "9/10"]),
    (EXISTENCE, ["claim", "preconditioner"], [["3"]]),
    (EXISTENCE, ["claim", "preconditioner"], [["3/5", "0"]]),
    (EXISTENCE, ["claim", "equations"], []),
    (IDENTITY, ["claim", "right"], EXPIT),
    (QUOTIENT, ["claim", "at_most"], "99/100"),
    (QUOTIENT, ["claim", "at_least"], "1/100"),
    (QUOTIENT, ["claim", "program", 1], ["softplus", 0]),
    (QUOTIENT, ["claim", "program", 1], ["log_softplus_slope", 1]),
    (QUOTIENT, ["claim", "program", 1], ["log_softplus_slope", 0, 0]),
    (EXPECTATION, ["claim", "at_most"], "1/5"),
    (EXPECTATION, ["claim", "variance"], "1/100"),
    (EXPECTATION, ["claim", "variance"], "0"),
    (EXPECTATION, ["domain", "z"], ["-1", "1"]),
    (EXPECTATION, ["proofs", 0], ["1", "0"]),
    (EXPECTATION, ["proofs", 0], []),
]


@pytest.mark.parametrize(("original", "path", "value"), FALSE, ids=range(len(FALSE)))
def test_a_changed_certificate_proves_nothing(original, path, value):
    outcome = check(changed(original, path, value))
    assert not outcome.holds
    assert outcome.reason


@pytest.mark.parametrize(
    "line",
    [
        ["variable", "y"],
        ["variable"],
        ["rational", 0.5],
        ["rational", "0.5"],
        ["rational", "1/0"],
        ["rational", "1/-2"],
        ["add", 0],
        ["add", 0, 99],
        ["add", 0, -1],
        ["add", 0, True],
        ["power", 0, "2"],
        ["power", 0, 10**6],
        ["eval", 0],
        [],
        "natural",
        None,
    ],
    ids=str,
)
def test_a_malformed_instruction_is_named(line):
    outcome = check(changed(BOUND, ["claim", "program", 1], line))
    assert not outcome.holds
    assert "instruction" in outcome.reason or "number" in outcome.reason


@pytest.mark.parametrize("name", ALL)
def test_no_deletion_gets_through_and_none_raises(name):
    """Drop every entry of the certificate in turn, at every depth."""

    def paths(place, prefix=()):
        keys = place.keys() if isinstance(place, dict) else range(len(place)) if isinstance(place, list) else ()
        for key in keys:
            yield (*prefix, key)
            yield from paths(place[key], (*prefix, key))

    original = ALL[name]
    for path in paths({k: v for k, v in original.items() if k != "digest"}):
        outcome = check(changed(original, path, None))
        # Inside of the claim a deletion may leave another claim that is true; of many cuts some suffice.
        assert not outcome.holds or path[0] == "claim" or name == "expectation", path


def test_a_wider_domain_than_that_of_a_function_is_refused():
    arc = [["variable", "x"], ["acos", 0]]
    inside = certificate({"kind": "bound", "program": arc, "at_most": "4"}, {"x": ["-1", "1"]}, [["natural"]])
    assert check(inside).holds
    outside = changed(inside, ["domain", "x"], ["-2", "2"])
    assert "leaves [-1, 1]" in check(outside).reason


def test_a_proof_cannot_keep_the_checker_busy(monkeypatch):
    from dekderive.certificates.checker import trees

    monkeypatch.setattr(trees.Budget, "__init__", lambda self: setattr(self, "pieces", 3))
    assert "budget" in check(CUT).reason


@pytest.mark.parametrize(
    "text", ["", "[1", "[]", "{}", '{"format": 0.5}', '{"format": NaN}', "[" * 10**5, "null", '"a"']
)
def test_any_text_has_an_outcome(text):
    assert not check_text(text).holds


def test_the_command_imports_the_standard_library_only(tmp_path):
    good, bad = tmp_path / "good.json", tmp_path / "bad.json"
    good.write_text(json.dumps(ROOT))
    bad.write_text(json.dumps(changed(CONTRACTION, ["claim", "modulus"], "4/5")))
    program = (
        "import runpy, sys\n"
        "sys.argv = ['check', *sys.argv[1:]]\n"
        "try:\n    runpy.run_module('dekderive.certificates.check', run_name='__main__')\n"
        "finally:\n    print(sorted({'sympy', 'mpmath', 'flint', 'numpy', 'scipy', 'click'} & set(sys.modules)))\n"
    )
    for path, code in ((good, 0), (bad, 1)):
        done = subprocess.run([sys.executable, "-c", program, str(path)], capture_output=True, text=True)
        assert done.returncode == code, done.stderr
        assert done.stdout.splitlines()[-1] == "[]"
