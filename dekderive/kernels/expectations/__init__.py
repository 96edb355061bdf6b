"""Numerical Gaussian expectations, as `dekderive.kernels.hermite` puts them together.

Read in this order: `functions` (what is known about a function), `panels` and `graded` (nodes, and what they do not
resolve), `pieces` (derivatives of a function that is known by its values), `univariate` and `octaves` (expectations of
one variable, tabulated), `coefficients` and `mehler` (the bivariate series), `sectors` and `conditional` (the
quadratures where the series is too slow), `derivatives`.
"""
