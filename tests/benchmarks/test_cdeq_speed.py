"""The benchmark of convolutional kernels runs, and says what it compares."""

import re
import runpy
from pathlib import Path

FILE = Path(__file__).resolve().parents[2] / "benchmarks/cdeq_speed.py"


def test_it_prints_both_tables(capsys):
    runpy.run_path(str(FILE))["main"](
        ["--sizes", "4", "--rounds", "1", "--gap-rounds", "1", "--images", "3", "--backends", "numpy"]
    )
    output = capsys.readouterr().out
    rows = re.findall(r"\| 4 x 4 \| (0\.65|0\.9) \| numpy \| \d+ \((\S+)\) \| \d+ \((\S+)\)", output)
    assert [weight for weight, _, _ in rows] == ["0.65", "0.9"]
    assert all(float(error) < 1e-10 for _, error, _ in rows)
    assert float(rows[0][2]) < float(rows[1][2]) < 0.1  # 50 layers are nearer to the limit where the map contracts more
    assert len(re.findall(r"\| 4 x 4 \| 0\.\d+ \| numpy \| \S+ \(\S+\) \|\n", output)) == 2
