import runpy
from pathlib import Path

FOLDER = Path(__file__).resolve().parents[2] / "benchmarks"


def test_the_command_runs_on_small_shapes(capsys, tmp_path):
    main = runpy.run_path(str(FOLDER / "deq_ntk_speed.py"))["main"]
    main(["--shapes", "40x5", "--rounds", "1"])
    printed = capsys.readouterr().out
    for name in ("X @ X.T", "ours, NumPy", "ours, rectangular, NumPy", "general solver", "SciPy root(hybr)"):
        assert f"| {name}" in printed
    assert "Largest difference from the general solver" in printed
    file = tmp_path / "panels.bin"
    main(["--full", "--full-shape", "1100x4", "--tiled", str(file)])
    assert file.stat().st_size == 4 * (1024 * 1024 + 76 * 1100)
    assert "peak of resident memory" in capsys.readouterr().out
