"""What is public is listed, documented, and shown in an example that runs."""

import ast
import importlib
import inspect
import pkgutil
from pathlib import Path

import pytest

import dekderive

ROOT = Path(__file__).resolve().parents[2]
HAND_WRITTEN = sorted(
    info.name
    for info in pkgutil.walk_packages(dekderive.__path__, "dekderive.")
    if "._generated" not in info.name and info.name != "dekderive.__main__"
)
# The packages and modules that the documentation names: what they export is promised.
PUBLIC = [
    "dekderive",
    "dekderive.atoms",
    "dekderive.design",
    "dekderive.duals",
    "dekderive.equivalents",
    "dekderive.estimators",
    "dekderive.experiments",
    "dekderive.families",
    "dekderive.gram",
    "dekderive.gram.convolutional",
    "dekderive.gram.moments",
    "dekderive.initialisers",
    "dekderive.initialisers.convolution",
    "dekderive.kernels",
    "dekderive.ledger",
    "dekderive.losses",
    "dekderive.programs",
    "dekderive.reparameterisations",
    "dekderive.solvers",
    "dekderive.solvers.kglm",
    "dekderive.symbols",
    "dekderive.testing",
    "dekderive.testing.properties",
    "dekderive.theorems",
    "dekderive.update_maps",
]


@pytest.mark.parametrize("name", HAND_WRITTEN)
def test_every_module_says_what_it_is_for(name):
    documentation = importlib.import_module(name).__doc__
    assert documentation, f"{name} has no docstring"
    assert documentation.strip().splitlines()[0].rstrip().endswith((".", ":")), f"{name}: its first line is no sentence"


@pytest.mark.parametrize("name", HAND_WRITTEN)
def test_what_is_listed_exists(name):
    module = importlib.import_module(name)
    for public in getattr(module, "__all__", ()):
        assert hasattr(module, public), f"{name}.__all__ lists {public}, which is not there"


def exported(name):
    module = importlib.import_module(name)
    return {public: getattr(module, public) for public in module.__all__}


@pytest.mark.parametrize("name", PUBLIC)
def test_public_things_are_documented(name):
    for public, thing in exported(name).items():
        if inspect.isclass(thing) or inspect.isroutine(thing):
            documentation = inspect.getdoc(thing) or ""
            assert len(documentation) >= 10, public
            # dataclass writes a signature where there is no docstring; that is not documentation.
            assert not documentation.startswith(f"{thing.__name__}("), public


# An activation such as gelu is its formula, which is its docstring.
@pytest.mark.parametrize("name", [name for name in PUBLIC if name != "dekderive.atoms"])
def test_public_functions_have_an_example(name):
    functions = {public: thing for public, thing in exported(name).items() if inspect.isroutine(thing)}
    silent = [public for public, function in functions.items() if ">>>" not in (inspect.getdoc(function) or "")]
    assert not silent, f"without a runnable example: {', '.join(silent)}"


def test_every_public_module_lists_its_names():
    for name in PUBLIC:
        assert importlib.import_module(name).__all__, name


def test_lazy_names_are_those_that_type_checkers_see():
    tree = ast.parse((ROOT / "dekderive/__init__.py").read_text(encoding="utf-8"))
    (guarded,) = [node for node in tree.body if isinstance(node, ast.If)]
    seen = {}
    for node in guarded.body:
        for alias in node.names:
            module = f"{node.module}.{alias.name}" if node.module == "dekderive" else node.module
            seen[alias.name] = module
    assert seen == dekderive._HOME


def test_every_public_name_resolves_and_the_list_fits_a_screen():
    assert sorted(dekderive.__all__, key=str) == sorted(set(dekderive.__all__))
    assert len(dekderive.__all__) <= 24
    for name in dekderive.__all__:
        assert getattr(dekderive, name) is not None


def test_an_unknown_name_is_an_attribute_error_that_lists_the_known_ones():
    with pytest.raises(AttributeError, match=r"no attribute 'famly'.*Family"):
        dekderive.famly  # noqa: B018 - the access is the test
