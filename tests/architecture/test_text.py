"""What must not be in the repository's text, and how errors speak."""

import ast
import builtins
import re
from pathlib import Path

import pytest

from dekderive import errors

ROOT = Path(__file__).resolve().parents[2]
SKIPPED = {".git", ".venv", "__pycache__", "build", "dist", "report", ".hypothesis", "node_modules"}
SUFFIXES = {".py", ".md", ".toml", ".yml", ".yaml", ".cff", ".json", ".txt", ".j2", ".html", ".css", ".sh", ""}
# Written in pieces, so that this file does not contain what it looks for.
MACHINE_PATH = re.compile(
    "(?<![\\w.])/(" + "|".join(["ho" + "me", "ro" + "ot", "Us" + "ers", "wo" + "rk", "op" + "t"]) + ")/"
)
LEFT_OPEN = re.compile(
    r"\b(" + "|".join(["TO" + "DO", "FIX" + "ME", "XX" + "X", "raise NotImplemented" + "Error"]) + r")\b"
)
PACKAGE = sorted(path for path in (ROOT / "dekderive").rglob("*.py") if "_generated" not in path.parts)
NAMES = [path.relative_to(ROOT).as_posix() for path in PACKAGE]
# Errors of Python that callers expect by name: a wrong type, a missing attribute or index.
BUILTIN = {"TypeError", "AttributeError", "IndexError", "StopIteration", "SystemExit", "KeyboardInterrupt"}


def tracked_files():
    for path in sorted(ROOT.rglob("*")):
        parts = path.relative_to(ROOT).parts
        hidden = any(part in SKIPPED or part.endswith(("_cache", ".egg-info")) for part in parts)
        if path.is_file() and not hidden and path.suffix in SUFFIXES:
            yield path


def test_no_machine_paths():
    for path in tracked_files():
        found = MACHINE_PATH.search(path.read_text(encoding="utf-8", errors="ignore"))
        assert not found, f"{path.relative_to(ROOT)}: {found[0]} is a path on somebody's machine"


@pytest.mark.parametrize("path", PACKAGE, ids=NAMES)
def test_nothing_is_left_open_in_the_package(path):
    assert not LEFT_OPEN.search(path.read_text(encoding="utf-8"))


def raises(path):
    """Pairs of the name that is raised and the call that makes it."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call):
            name = ast.unparse(node.exc.func).rpartition(".")[2]
            yield name, node.exc


@pytest.mark.parametrize("path", PACKAGE, ids=NAMES)
def test_errors_are_named(path):
    vague = {name for name, _ in raises(path) if hasattr(builtins, name)} - BUILTIN
    assert not vague, f"raise an error from dekderive.errors instead of {vague}: callers catch DekderiveError"


@pytest.mark.parametrize("path", PACKAGE, ids=NAMES)
def test_error_messages_say_something(path):
    for name, call in raises(path):
        if name in errors.__all__:
            assert call.args, f"line {call.lineno}: {name} without a message"
            literal = "".join(part.value for part in ast.walk(call.args[0]) if is_text(part))
            if literal:
                assert len(literal) >= 8, f"line {call.lineno}: {literal!r} does not say what, where and what to do"
                assert not literal.endswith(("!", "\n")), f"line {call.lineno}: {literal!r}"


def is_text(node):
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


@pytest.mark.parametrize("path", PACKAGE, ids=NAMES)
def test_nothing_happens_at_import_and_nothing_is_swallowed(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.ExceptHandler):
            assert node.type is not None, f"line {node.lineno}: a bare except hides every error"
            assert ast.unparse(node.type) != "Exception", f"line {node.lineno}: say which error is expected"
        if isinstance(node, ast.Global):
            pytest.fail(f"line {node.lineno}: no module-level state")
    for statement in tree.body:
        assert not (isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Call)), statement.lineno


def test_versions_agree():
    import dekderive

    version = dekderive.__version__
    assert f'version = "{version}"' in (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    assert f"version: {version}" in (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    assert f"## {version}" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
