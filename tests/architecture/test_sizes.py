"""Files and functions stay small enough to be read."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
MODULES = sorted(
    path
    for folder in ("dekderive", "codegen")
    for path in (ROOT / folder).rglob("*.py")
    if "_generated" not in path.parts
)
NAMES = [path.relative_to(ROOT).as_posix() for path in MODULES]


@pytest.mark.parametrize("path", MODULES, ids=NAMES)
def test_a_module_has_at_most_400_lines(path):
    lines = len(path.read_text(encoding="utf-8").splitlines())
    assert lines <= 400, f"{path.name} has {lines} lines; split it by the types it produces"


@pytest.mark.parametrize("path", MODULES, ids=NAMES)
def test_a_function_has_at_most_40_lines_of_code(path):
    long = {}
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef) and (lines := code_lines(node)) > 40:
            long[node.name] = lines
    assert not long, f"functions longer than a screen: {long}; give their steps names of their own"


def code_lines(function):
    """Lines from the end of the signature to the end of the body, without the docstring."""
    has_docstring = ast.get_docstring(function) is not None
    body = function.body[1:] if has_docstring else function.body
    return function.end_lineno - body[0].lineno + 1 if body else 0


def test_the_measure_of_a_function_leaves_out_its_docstring():
    text = 'def f():\n    """One.\n\n    Two.\n    """\n    x = 1\n\n    return x\n'
    (function,) = ast.parse(text).body
    assert code_lines(function) == 3
