"""What a command line asks for, as a family and its natural map."""

from __future__ import annotations

import re

from dekderive import families
from dekderive.errors import InvalidInput
from dekderive.families.family import Family
from dekderive.parse import parse_expression, parse_interval
from dekderive.reparameterisations import Reparameterisation, from_activation
from dekderive.symbols import eta, z

__all__ = ["build_family", "build_link", "kernel_name"]


def build_family(text: str, log_partition: str | None, domain: str | None) -> Family:
    """Return a shipped family by name, or a new one from its log-partition.

    Raises
    ------
    UnknownName, InvalidInput, UnsafeExpression, DomainError

    Examples
    --------
    >>> build_family("rate", "-log(-eta)", "(-inf, 0)").mean
    -1/eta
    """
    if log_partition is None:
        if domain is not None:
            raise InvalidInput("--domain belongs to --log-partition; give both, or neither for a shipped family")
        return families.by_name(text)
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_]{0,30}", text):
        raise InvalidInput(f"FAMILY {text!r}: a new family needs a name of letters, digits and underscores")
    if text.lower() in families.CONSTRUCTORS:
        raise InvalidInput(f"FAMILY {text!r} is a shipped family; give the new log-partition another name")
    formula = parse_expression(log_partition, [eta], what="--log-partition")
    interval = parse_interval(domain if domain is not None else "(-inf, inf)", what="--domain")
    return Family(text, formula, interval)


def build_link(
    family: Family, natural_map: str | None, activation: str | None, constant: str | None
) -> Reparameterisation:
    """Return the reparameterisation by its natural map (the identity by default) or by its activation.

    Raises
    ------
    InvalidInput, UnsafeExpression, DomainError
    """
    if natural_map is not None and activation is not None:
        raise InvalidInput("--natural-map and --activation determine each other; give one of them")
    if activation is None:
        if constant is not None:
            raise InvalidInput("--constant belongs to --activation (it fixes A at the natural map of 0)")
        text = "z" if natural_map is None else natural_map
        return Reparameterisation(family, parse_expression(text, [z], what="--natural-map"))
    wanted = parse_expression(activation, [z], what="--activation")
    value = None if constant is None else parse_expression(constant, [], what="--constant")
    return from_activation(family, wanted, constant=value)


def kernel_name(family: Family, natural_map: str | None, activation: str | None, name: str | None) -> str:
    """Return an identifier for the kernel: as given, or from what it was derived from.

    Examples
    --------
    >>> kernel_name(families.by_name("binomial(10)"), "relu(z)/2", None, None)
    'deker_binomial_10_relu_2'
    """
    if name is not None:
        if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_]{0,60}", name):
            raise InvalidInput(f"--name {name!r}: a module name has letters, digits and underscores, at most 61")
        return name
    shape = "identity" if activation is None and natural_map in (None, "z") else (activation or natural_map or "")
    words = re.findall(r"[A-Za-z0-9]+", shape.replace("(z)", ""))
    return "_".join(["deker", family.name, *(["act"] if activation else []), *words])[:61].rstrip("_")
