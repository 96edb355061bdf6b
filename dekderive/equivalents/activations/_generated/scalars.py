# Generated from derivations/equivalents/scalars.py by `python -m codegen update`; edit that file, not this one.
"""Scalars of the equivalents of implicit networks and of a layer, to second order (after Ling et al., 2024)."""

SPEC = "5b607064207f073c"


def implicit(weight_variance, input_variance, tau0, m1, m2, second, second_slope, slope_second):
    # Returns A1, A4, a1, a2, a3, b1, b2, b3, f1, f2, f3, gamma_squared, kappa_squared, full_squared.
    shared_0 = m1 * m1
    shared_1 = shared_0 * weight_variance
    shared_2 = shared_1 - 1.0
    shared_3 = 1.0 / shared_2
    shared_4 = input_variance * shared_3
    shared_5 = second_slope * weight_variance - 1.0
    shared_6 = input_variance * input_variance * m2 * m2
    shared_7 = 0.25 * shared_6 / (shared_5 * shared_5)
    shared_8 = 0.5 * shared_6
    shared_9 = 1.0 / (shared_2 * shared_2)
    shared_10 = input_variance * shared_0 * shared_9
    shared_11 = shared_7 * shared_9
    shared_12 = 1.0 / shared_2 ** 4
    shared_13 = 1.0 / (1.0 - slope_second * weight_variance)
    return (
        -shared_4,
        -input_variance / shared_5,
        -shared_0 * shared_4,
        -shared_3 * shared_7,
        -shared_8 / shared_2 ** 3,
        shared_10,
        shared_11,
        shared_12 * shared_8 * (2.0 * shared_1 + 1.0),
        -shared_10 * (shared_1 - 2.0),
        shared_11,
        1.5 * shared_12 * shared_6,
        second,
        second * shared_13,
        shared_13 * (input_variance * slope_second * tau0 * tau0 + second),
    )


def layer(a1, a2, a3, a4, b1, b2, b3, kappa_squared, m1, m2, second, second_slope, slope_second):
    # Returns a1, a2, a3, a4, b1, b2, b3, kappa_squared.
    shared_0 = m1 * m1
    shared_1 = 4.0 * shared_0
    shared_2 = m2 * m2
    shared_3 = a2 * shared_1 + a4 * a4 * shared_2
    shared_4 = 2.0 * shared_0
    shared_5 = a1 * a1 * shared_2 + a3 * shared_4
    return (
        a1 * shared_0,
        0.25 * shared_3,
        0.5 * shared_5,
        a4 * second_slope,
        shared_0 * (a1 + b1),
        0.25 * b2 * shared_1 + 0.25 * shared_3,
        a1 * b1 * shared_2 + 0.5 * b3 * shared_4 + 0.5 * shared_5,
        kappa_squared * slope_second + second,
    )
