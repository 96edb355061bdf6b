"""From finished work to result.json and to the page."""

from __future__ import annotations

import hashlib
import platform
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import dekderive
from dekderive.gram.moments import Moments
from dekderive.reports.candidates import equilibrium_candidates, moments_for, rbf_candidates
from dekderive.update_maps import UpdateMap
from dekderive.verdict import Verdict

if TYPE_CHECKING:
    from dekderive.commands.derive import Order, Work
    from dekderive.reports.report import Fit

_ELSEWHERE = ("out", "report", "overwrite", "data_dir")  # where files lie is not part of what was computed

__all__ = ["page", "provenance", "result"]

_PACKAGES = ("numpy", "scipy", "sympy", "mpmath", "python-flint", "scikit-learn", "matplotlib")


def result(work: Work, verdict: Verdict, order: Order) -> dict[str, Any]:
    """Return what result.json holds: plain values only."""
    u = work.derivation.update_map
    assert isinstance(u, UpdateMap)  # `derive` makes no kernel of finite depth
    module = [f"{work.derivation.name}.py"] if verdict is not Verdict.FAILS else []
    summary: dict[str, Any] = {
        "kernel": work.derivation.name,
        "spec": work.kernel.spec,
        "verdict": verdict.value,
        "checks": [
            {"name": c.name, "statement": c.statement, "verdict": c.verdict.value, "detail": c.detail}
            for c in work.checks
        ],
        "family": work.link.family.name,
        "log_partition": str(work.link.family.log_partition),
        "natural_map": str(work.link.natural_map),
        "activation": str(work.link.activation),
        "slope": str(work.link.slope),
        "duals": {key: str(d.expression) if d.closed else d.rule for key, d in u.duals},
        "chart": u.chart.value,
        "claim": u.claim.name.lower(),
        "moments": work.moments,
        "regularisation": work.level,
        "files": [*module, *(["report.html"] if order.report else []), "result.json"],
        "provenance": provenance(order),
    }
    if work.data is not None:
        summary |= _fit_result(work)
    return summary


def _fit_result(work: Work) -> dict[str, Any]:
    data, comparison = work.data, work.comparison
    assert data is not None
    assert comparison is not None
    digest = hashlib.sha256(data.X.tobytes() + data.y.tobytes()).hexdigest()
    scores = [
        {
            "kernel": s.kernel,
            "method": s.method,
            "mean": float(s.folds.mean()),
            "std": float(s.folds.std(ddof=1)),
            "folds": [float(f) for f in s.folds],
            "chosen": [dict(c) for c in s.chosen],
        }
        for s in comparison.scores
    ]
    shape = {"rows": data.X.shape[0], "features": data.X.shape[1]}
    return {
        "data": {"name": data.name, "task": data.task, "target": data.target_name, **shape, "sha256": digest},
        "comparison": {"metric": comparison.metric, "candidates": comparison.candidates, "scores": scores},
    }


def provenance(order: Order) -> dict[str, Any]:
    """Return versions, and the options that differ from their absence."""
    versions = {"dekderive": dekderive.__version__, "python": platform.python_version()}
    for package in _PACKAGES:
        try:
            versions[package] = version(package)
        except PackageNotFoundError:
            continue
    given = {name: getattr(order, name) for name in type(order).__dataclass_fields__ if name not in _ELSEWHERE}
    if order.data is not None and order.data.lower().endswith(".csv"):
        given["data"] = Path(order.data).name
    options = {name: str(value) for name, value in given.items() if value is not None}
    return {"versions": versions, "options": options, "platform": sys.platform}


def page(work: Work, verdict: Verdict, order: Order) -> str:
    """Return report.html."""
    from dekderive.reports.chain import chain
    from dekderive.reports.kernel_figures import kernel_figures
    from dekderive.reports.report import Report, html

    u = work.derivation.update_map
    assert isinstance(u, UpdateMap)  # `derive` makes no kernel of finite depth
    levels = (work.level, *(v for v in work.levels if v != work.level))
    moments = moments_for(work.moments, 1.0, bias=0.0)
    background = provenance(order)
    facts = (("Chart", u.chart.value), ("Claim", u.claim.name.lower().replace("_", " ")), ("Spec", work.kernel.spec))
    lines = [(name, value) for name, value in background["versions"].items()]
    return html(
        Report(
            title=work.derivation.name,
            summary=f"{u.summary[0].upper()}{u.summary[1:]}.",
            verdict=verdict.value,
            facts=facts,
            chain=chain(work.derivation, work.link),
            checks=work.checks,
            figures=kernel_figures(work.link, u, work.kernel, moments, levels),
            fit=None if work.data is None else _fit(work),
            usage=_usage(work) if verdict is not Verdict.FAILS else "",
            provenance=(
                ("specification", work.kernel.spec),
                ("options", ", ".join(f"{k} = {v}" for k, v in background["options"].items())),
                ("versions", ", ".join(f"{name} {value}" for name, value in lines)),
            ),
            sources=work.derivation.sources,
        )
    )


def _fit(work: Work) -> Fit:
    """The section on data; its Gram matrices are those of the hyper-parameters that the first fold chose."""
    from dekderive.reports.fit_figures import fit_section

    data, comparison = work.data, work.comparison
    assert data is not None
    assert comparison is not None
    columns = data.X.shape[1]
    sides = {
        "DEKer": equilibrium_candidates(work.kernel, work.moments, work.levels)(columns),
        "RBF": rbf_candidates(columns),
    }
    examples = {}
    for name, candidates in sides.items():
        chosen = next(s.chosen[0] for s in comparison.scores if s.kernel == name)
        examples[name] = next(c for c in candidates if all(chosen[k] == v for k, v in c.values.items()))
    return fit_section(data, comparison, examples, data.target_name)


def _usage(work: Work) -> str:
    """Code that imports the module, with the hyper-parameters that the first fold chose where there is one."""
    level, moments = work.level, f"{work.moments}()"
    if work.comparison is not None:
        chosen = next(s.chosen[0] for s in work.comparison.scores if s.kernel == "DEKer")
        level, moments = chosen["regularisation"], _constructor(moments_for(work.moments, chosen["scale"]))
    part = ", continuous_part=True" if work.comparison is not None else ""
    given = f"moments={moments}, regularisation={level:.4g}{part}"
    return (
        f"from dekderive.estimators import EquilibriumKernel\n"
        f"from dekderive.gram import gram\n"
        f"from dekderive.gram.moments import {work.moments}\n"
        f"from {work.derivation.name} import KERNEL  # with this folder on sys.path\n\n"
        f"choice = dict({given})\n"
        f"K = gram(KERNEL, X, **choice)  # X: standardised rows\n"
        f"kernel = EquilibriumKernel(KERNEL, **choice)  # for scikit-learn"
    )


def _constructor(moments: Moments) -> str:
    values = {"scale": (moments.scale, 1.0), "bias": (moments.bias, 0.0)}
    given = ", ".join(f"{name}={value:.4g}" for name, (value, default) in values.items() if value != default)
    return f"{moments.name}({given})"
