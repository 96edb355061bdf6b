"""Sources of the statements that dekderive uses."""

from dataclasses import dataclass

from dekderive.errors import UnknownName

__all__ = ["Citation", "cite"]


@dataclass(frozen=True, slots=True)
class Citation:
    """A published source, and the place in it."""

    key: str
    text: str
    place: str = ""

    def __str__(self) -> str:
        return f"{self.text}, {self.place}" if self.place else self.text


_SOURCES = {
    "tsuchida2023deker": "Tsuchida and Ong, Stochastic gradient updates yield deep equilibrium kernels, TMLR 2023",
    "tsuchida2022declarative": "Tsuchida, Yong, Armin, Petersson and Ong, Declarative nets that are equilibrium models, ICLR 2022",
    "feng2021deqntk": "Feng and Kolter, On the neural tangent kernel of equilibrium models, arXiv:2310.14062",
    "ling2024deq": "Ling, Li, Feng, Zhang, Zhou, Qiu and Liao, Deep equilibrium models are almost equivalent to not-so-deep explicit models for high-dimensional Gaussian mixtures, ICML 2024",
    "cho2009kernel": "Cho and Saul, Kernel methods for deep learning, NeurIPS 2009",
    "jacot2018neural": "Jacot, Gabriel and Hongler, Neural tangent kernel: convergence and generalization in neural networks, NeurIPS 2018",
    "lee2018deep": "Lee, Bahri, Novak, Schoenholz, Pennington and Sohl-Dickstein, Deep neural networks as Gaussian processes, ICLR 2018",
    "arora2019exact": "Arora, Du, Hu, Li, Salakhutdinov and Wang, On exact computation with an infinitely wide neural net, NeurIPS 2019",
    "williams1996computing": "Williams, Computing with infinite networks, NeurIPS 1996",
    "price1958useful": "Price, A useful theorem for nonlinear devices having Gaussian inputs, IRE Trans. Inf. Theory 4 (1958) 69-72",
    "rudelson2010nonasymptotic": "Rudelson and Vershynin, Non-asymptotic theory of random matrices: extreme singular values, ICM 2010",
    "scholkopf2002learning": "Schölkopf and Smola, Learning with kernels, MIT Press 2002",
    "gelbrich1990formula": "Gelbrich, On a formula for the L2 Wasserstein metric between measures on Euclidean and Hilbert spaces, Math. Nachr. 147 (1990) 185-203",
    "sedghi2019singular": "Sedghi, Gupta and Long, The singular values of convolutional layers, ICLR 2019",
    "brown1986fundamentals": "Brown, Fundamentals of statistical exponential families, IMS Lecture Notes 9 (1986)",
}


def cite(key: str, place: str = "") -> Citation:
    """Return the source `key`, at `place` (for example ``"Theorem 2"``).

    Raises
    ------
    UnknownName
        If no source has that key; the message lists the known ones.

    Examples
    --------
    >>> print(cite("cho2009kernel", "Section 2.1"))
    Cho and Saul, Kernel methods for deep learning, NeurIPS 2009, Section 2.1
    """
    if key not in _SOURCES:
        raise UnknownName(f"no source {key!r}; known: {', '.join(sorted(_SOURCES))}")
    return Citation(key, _SOURCES[key], place)
