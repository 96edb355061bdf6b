"""Every Python block of the documentation runs, in order, one namespace per page."""

import doctest
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")), ROOT / "derivations/README.md"]
BLOCK = re.compile(r"^```python\n(.*?)^```$", re.DOTALL | re.MULTILINE)
LINK = re.compile(r"\]\(([^)#]+)(?:#[^)]*)?\)")
FLAGS = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS | doctest.FAIL_FAST


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_the_examples_run(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # an example that writes a file writes it here
    namespace = {"__name__": "__main__"}
    text = page.read_text(encoding="utf-8")
    for block in BLOCK.finditer(text):
        line = text.count("\n", 0, block.start(1))
        if block[1].lstrip().startswith(">>>"):
            run_session(block[1], namespace, page, line)
        else:
            # Blank lines in front make a traceback show the line of the page.
            exec(compile("\n" * line + block[1], page.name, "exec"), namespace)


def run_session(text, namespace, page, line):
    example = doctest.DocTestParser().get_doctest(text, namespace, page.name, str(page), line)
    report = []
    runner = doctest.DocTestRunner(optionflags=FLAGS)
    runner.run(example, out=report.append, clear_globs=False)
    namespace.update(example.globs)
    assert not runner.failures, "".join(report)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_relative_links_lead_somewhere(page):
    for target in LINK.findall(page.read_text(encoding="utf-8")):
        if "://" not in target:
            assert (page.parent / target).exists(), target


def test_the_tutorial_has_examples():
    assert len(BLOCK.findall((ROOT / "docs/tutorial.md").read_text(encoding="utf-8"))) >= 8


def test_the_readme_marks_both_commands():
    # .ci/run reads the commands from these blocks, so that they cannot drift from what is tested.
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    for name in ("main", "test"):
        assert len(re.findall(rf"<!-- command: {name} -->\n```sh\n(.+)\n```", text)) == 1
