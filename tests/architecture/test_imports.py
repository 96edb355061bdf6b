"""The wall between workshop and shop, and the layers on each side of it."""

import ast
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SHOP = [
    "dekderive.kernels",
    "dekderive.losses",
    "dekderive.solvers",
    "dekderive.solvers.kglm",
    "dekderive.gram",
    "dekderive.design",
    "dekderive.initialisers",
    "dekderive.equivalents",
    "dekderive.estimators",
]
SYMBOLIC = {"sympy", "flint", "mpmath"}


def loaded_after(statement):
    program = f"import sys\n{statement}\nprint(*sorted({{name.partition('.')[0] for name in sys.modules}}))"
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return set(done.stdout.split())


@pytest.mark.parametrize("package", SHOP)
def test_the_shop_loads_nothing_symbolic(package):
    assert not loaded_after(f"import {package}") & SYMBOLIC


def test_importing_the_package_loads_nothing_but_python():
    assert not loaded_after("import dekderive") & (SYMBOLIC | {"numpy", "scipy", "sklearn"})


def test_the_public_names_of_the_shop_load_nothing_symbolic_either():
    assert not loaded_after("from dekderive import EquilibriumKernel, gram, kernels, solve") & SYMBOLIC


def test_the_detector_sees_sympy_when_it_is_there():
    assert "sympy" in loaded_after("from dekderive import Family")


def lint_imports(folder):
    program = "from importlinter.cli import lint_imports_command as main; main()"
    command = [sys.executable, "-c", program, "--config", str(folder / "pyproject.toml"), "--no-cache"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True)


def test_import_contracts_hold():
    done = lint_imports(ROOT)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "0 broken" in done.stdout


def test_flint_is_imported_by_certificates_alone():
    # flint's precision is process-global; one folder sets and resets it.
    importers = {path.parent.name for path in package_files() if "flint" in top_level_imports(path)}
    assert importers == {"certificates"}


def test_nothing_in_the_package_imports_what_is_not_in_the_wheel():
    for path in package_files():
        assert not top_level_imports(path) & {"derivations", "codegen", "tests", "benchmarks", "pytest"}, path


def test_generated_modules_import_only_numpy_and_their_neighbours():
    allowed = {"numpy", "dekderive.kernels", "dekderive.kernels.kernel", "dekderive.kernels.layered"}
    for path in (ROOT / "dekderive/kernels/_generated").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                assert {alias.name for alias in node.names} <= allowed, path
            elif isinstance(node, ast.ImportFrom):
                assert node.module in allowed, path
                if node.module == "dekderive.kernels":
                    assert {alias.name for alias in node.names} <= {"hermite", "special"}, path


def package_files():
    return sorted((ROOT / "dekderive").rglob("*.py"))


def top_level_imports(path):
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.add(node.module.partition(".")[0])
    return names


BREACHES = [
    ("kernels/kernel.py", "import sympy"),
    ("solvers/solution.py", "from dekderive.families.family import Family"),
    ("families/family.py", "from dekderive.update_maps import UpdateMap"),
    ("kernels/kernel.py", "from dekderive.solvers import solution"),
    ("update_maps/update_map.py", "def late():\n    from dekderive.gram import gram"),
]


@pytest.mark.parametrize(("path", "line"), BREACHES)
def test_a_breach_is_noticed(tmp_path, path, line):
    shutil.copytree(ROOT / "dekderive", tmp_path / "dekderive", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    with (tmp_path / "dekderive" / path).open("a", encoding="utf-8") as target:
        target.write(f"\n{line}\n")
    done = lint_imports(tmp_path)
    assert done.returncode != 0
    assert "BROKEN" in done.stdout


def test_every_module_is_under_a_contract():
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8").partition("[tool.importlinter]")[2]
    modules = {path.relative_to(ROOT / "dekderive").parts[0].removesuffix(".py") for path in package_files()}
    modules -= {"__init__", "__main__"}
    forgotten = sorted(name for name in modules if not re.search(rf"\bdekderive\.{name}\b", text))
    assert not forgotten, f"say in pyproject.toml which layer {forgotten} belongs to"
