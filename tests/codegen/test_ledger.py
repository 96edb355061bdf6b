"""Every way in which file, ledger and derivation can disagree, injected and classified."""

import json

import pytest

from codegen.ledger import compare, steady, write
from codegen.plan import _HAND_WRITTEN, INDEX, Printer, load_sources, plan
from dekderive.errors import StaleKernel
from dekderive.ledger import FOLDER, Drift, intact, read_ledger, sha256

DERIVATION = '''"""The fake kernel {name}."""
from types import SimpleNamespace as Fake

derivation = Fake(name="{name}", spec="{spec}", update_map=Fake(claim=Fake(name="NONE")))
'''


def emit(derivation, header):
    return f'{header}\nSPEC = "{derivation.spec}"\nKERNEL = "{derivation.name}"\n'


def with_last_line(line):
    return lambda derivation, header: emit(derivation, header) + line + "\n"


PRINTER = Printer(emit, "fake/1", "1.14.0")


@pytest.fixture
def root(tmp_path):
    """A repository with two derivations, generated and current."""
    derive(tmp_path, "alpha", "0a")
    derive(tmp_path, "beta", "0b")
    write(plan_of(tmp_path), tmp_path / "kernels")
    return tmp_path


def derive(root, name, spec):
    (root / "derivations").mkdir(exist_ok=True)
    (root / "derivations" / f"{name}.py").write_text(DERIVATION.format(name=name, spec=spec))


def plan_of(root, printer=PRINTER):
    return plan(load_sources(root), printer)


def drifts(root, printer=PRINTER):
    return {finding.path: finding.drift for finding in compare(plan_of(root, printer), root / "kernels")}


def test_what_was_just_written_is_current(root):
    assert drifts(root) == {}
    assert intact(root / "kernels") == ()
    assert write(plan_of(root), root / "kernels") == ()


def test_edited_by_hand(root):
    target = root / "kernels/_generated/alpha.py"
    target.write_text(target.read_text() + "# a small improvement\n")
    assert drifts(root) == {"_generated/alpha.py": Drift.EDITED}
    assert [(finding.path, finding.drift) for finding in intact(root / "kernels")] == [
        ("_generated/alpha.py", Drift.EDITED)
    ]
    (finding,) = compare(plan_of(root), root / "kernels")
    assert "-# a small improvement" in str(finding)


def test_an_edited_index_is_found_too(root):
    target = root / "kernels" / INDEX
    target.write_text(target.read_text() + "extra = 1\n")
    assert drifts(root) == {INDEX: Drift.EDITED}


def test_an_edit_hidden_by_editing_the_ledger_is_still_found(root):
    # Whoever edits both needs the derivation to agree as well: then it is the same mathematics with another text.
    target = root / "kernels/_generated/alpha.py"
    target.write_text(target.read_text() + "# hidden\n")
    ledger = root / "kernels/_generated/ledger.json"
    table = json.loads(ledger.read_text())
    (found,) = intact(root / "kernels")
    table["_generated/alpha.py"]["text_sha256"] = sha256(target.read_text())
    ledger.write_text(json.dumps(table))
    assert found.drift is Drift.EDITED
    assert intact(root / "kernels") == ()
    assert drifts(root) == {"_generated/alpha.py": Drift.REPRINTED}


def test_stale_when_the_mathematics_changed(root):
    derive(root, "alpha", "1a")
    assert drifts(root) == {"_generated/alpha.py": Drift.STALE, INDEX: Drift.STALE}
    assert intact(root / "kernels") == ()  # the files are what the ledger says; only a regeneration can tell
    finding = compare(plan_of(root), root / "kernels")[1]
    assert "spec 0a -> 1a" in str(finding)
    assert '-SPEC = "0a"' in str(finding)
    assert '+SPEC = "1a"' in str(finding)


def test_stale_when_only_the_text_of_the_derivation_changed(root):
    path = root / "derivations/alpha.py"
    path.write_text(path.read_text() + "# a remark\n")
    assert drifts(root)["_generated/alpha.py"] is Drift.STALE
    assert "the mathematics is the same" in str(compare(plan_of(root), root / "kernels")[1])


def test_a_new_derivation_is_stale_until_it_is_generated(root):
    derive(root, "gamma", "0c")
    assert drifts(root) == {"_generated/gamma.py": Drift.STALE, INDEX: Drift.STALE}


@pytest.mark.parametrize(("sympy", "blocking"), [("1.14.0", True), ("1.15.0", False)])
def test_reprinted_blocks_only_under_the_sympy_that_printed_the_file(root, sympy, blocking):
    printer = Printer(with_last_line("# new style"), "fake/2", sympy)
    findings = {finding.path: finding for finding in compare(plan_of(root, printer), root / "kernels")}
    finding = findings["_generated/alpha.py"]
    assert (finding.drift, finding.blocking) == (Drift.REPRINTED, blocking)
    assert f"emitter fake/1 -> fake/2, SymPy 1.14.0 -> {sympy}" in str(finding)
    assert "+# new style" in str(finding)


def test_another_sympy_that_prints_the_same_is_no_drift(root):
    assert drifts(root, Printer(emit, "fake/1", "1.13.3")) == {}


def test_orphan_file_without_entry(root):
    (root / "kernels/_generated/stray.py").write_text("x = 1\n")
    assert drifts(root) == {"_generated/stray.py": Drift.ORPHAN}
    assert [finding.drift for finding in intact(root / "kernels")] == [Drift.ORPHAN]


def test_orphan_entry_without_file(root):
    (root / "kernels/_generated/beta.py").unlink()
    assert drifts(root) == {"_generated/beta.py": Drift.ORPHAN}
    assert [finding.drift for finding in intact(root / "kernels")] == [Drift.ORPHAN]


def test_orphan_when_the_derivation_is_gone(root):
    (root / "derivations/beta.py").unlink()
    assert drifts(root) == {"_generated/beta.py": Drift.ORPHAN, INDEX: Drift.STALE}


def test_update_mends_all_of_it_at_once(root):
    kernels = root / "kernels"
    (kernels / "_generated/alpha.py").write_text("edited\n")
    (kernels / "_generated/stray.py").write_text("x = 1\n")
    (root / "derivations/beta.py").unlink()
    derive(root, "gamma", "0c")
    changed = write(plan_of(root), kernels)
    assert changed == (INDEX, *(f"_generated/{name}.py" for name in ("alpha", "beta", "gamma", "stray")))
    assert drifts(root) == {}
    assert not (kernels / "_generated/beta.py").exists()
    assert not (kernels / "_generated/stray.py").exists()


@pytest.mark.parametrize("field", ["derivation", "claim", "emitter"])
def test_every_field_of_the_ledger_is_read_by_a_check(root, field):
    ledger = root / "kernels/_generated/ledger.json"
    table = json.loads(ledger.read_text())
    table["_generated/alpha.py"][field] = "something else"
    ledger.write_text(json.dumps(table))
    assert drifts(root) == {"_generated/alpha.py": Drift.STALE}
    assert f"{field} something else ->" in str(compare(plan_of(root), root / "kernels")[0])


def test_a_text_that_depends_on_the_hash_seed_is_unsteady(root):
    first, second = plan_of(root), plan_of(root, Printer(with_last_line("# b, a"), "fake/1", "1.14.0"))
    assert steady([first, first, first]) == ()
    assert {finding.drift for finding in steady([first, first, second])} == {Drift.UNSTEADY}
    assert {finding.path for finding in steady([first, second])} == {"_generated/alpha.py", "_generated/beta.py"}


@pytest.mark.parametrize(
    "text", ["", "[]", "{", '{"_generated/alpha.py": {"spec": "0a"}}', '{"_generated/alpha.py": 3}']
)
def test_a_ledger_that_is_none_is_an_error(root, text):
    (root / "kernels/_generated/ledger.json").write_text(text)
    with pytest.raises(StaleKernel, match="ledger.json"):
        read_ledger(root / "kernels")


def test_the_index_binds_each_name_to_its_record(root):
    index = (root / "kernels" / INDEX).read_text()
    assert "from dekderive.kernels._generated.alpha import KERNEL as alpha" in index
    assert '    "alpha",\n    "beta",\n]' in index
    assert "* `alpha`: The fake kernel alpha." in index


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("gamma", '"""No record."""\n', "exports no `derivation`"),
        ("gamma", DERIVATION.format(name="delta", spec="0d"), "derives 'delta'"),
        ("special", DERIVATION.format(name="special", spec="0d"), "cannot be called 'special'"),
        (
            "gamma",
            DERIVATION.format(name="gamma", spec="0d").replace('"""The fake kernel gamma."""', ""),
            "has no docstring",
        ),
    ],
)
def test_a_derivation_that_breaks_the_form_is_refused(root, name, text, message):
    (root / "derivations" / f"{name}.py").write_text(text)
    with pytest.raises(StaleKernel, match=message):
        plan_of(root)


def test_no_kernel_can_hide_a_hand_written_module():
    there = {path.stem for path in FOLDER.iterdir() if not path.name.startswith("_")}
    assert there == set(_HAND_WRITTEN)


def test_a_text_without_its_spec_is_refused(root):
    with pytest.raises(StaleKernel, match="does not carry its spec 0a"):
        plan_of(root, Printer(lambda derivation, header: header, "fake/1", "1.14.0"))
