"""DEKer of the Gaussian family with natural map R = relu: slope H (Heaviside), activation relu.

The diagonal.  With q = sqrt(kxx), E[H^2] = 1/2, E[H relu] = q / sqrt(2 pi), E[relu^2] = q^2 / 2, so that

    (lambda^2 - 1/2) q^2 + sqrt(2/pi) mu q - c/2 = 0:

a quadratic, solved in closed form.  For lambda^2 > 1/2 it has exactly one positive root when c > 0.

The angle.  In t = pi - angle the off-diagonal equation is F(t) = 0 with

    F(t)  = m - (beta - t/2pi) cos t - (a t + sin t)/2pi,     a = cxy/(qx qy),  m = (m_x + m_y)/2,
    F'(t) = (beta - t/2pi) sin t - a/2pi,                     m_i = mean_i/(sqrt(2 pi) q_i),  beta = lambda^2 + m.

(beta - t/2pi) sin t is a product of positive concave functions on (0, pi), hence unimodal; so F' has the signs -, +, -
(or + throughout, if a <= 0), while F(0) = -lambda^2 < 0 and F(pi) >= 0.  Therefore F has exactly one zero in (0, pi):
that is the claim UNIQUE_ROOT.  At coincident inputs t = pi (correlation 1) is a second zero, and a repelling one: the
kernel is discontinuous there, with a nugget on the diagonal.

The start.  F'' vanishes where tan t = 2 pi beta - t, at the maximum of F'.  From there Newton's method is monotone: if
F < 0 the root lies to the right, where F is concave and increasing; otherwise to the left, where F is convex and
increasing.  Four steps of t <- atan(2 pi beta - t), a contraction with factor 1/(1 + (2 pi beta - t)^2), locate it.
"""

import sympy as sp

from dekderive.atoms import relu
from dekderive.citations import cite
from dekderive.derivation import Derivation
from dekderive.duals.proof import decide_zero
from dekderive.families import gaussian
from dekderive.reparameterisations import Reparameterisation
from dekderive.symbols import angle, cxy, kxx, kyy, regularisation, z
from dekderive.update_maps import deker
from dekderive.update_maps.rectified import beta, shift
from dekderive.verdict import Check

update_map = deker(Reparameterisation(gaussian(), relu(z)), name="deker_gaussian_relu", moments="relu_features")

# The equation above, against the one that was derived.
tau = sp.pi - angle
ratio = cxy / (sp.sqrt(kxx) * sp.sqrt(kyy))
stated = shift - (beta - tau / (2 * sp.pi)) * sp.cos(tau) - (ratio * tau + sp.sin(tau)) / (2 * sp.pi)
derived = -(regularisation**2) * update_map.residual
curvature = (beta - tau / (2 * sp.pi)) * sp.cos(tau) - sp.sin(tau) / (2 * sp.pi)

derivation = Derivation(
    update_map,
    sources=(cite("tsuchida2023deker"), cite("cho2009kernel")),
    extra_checks=(
        Check("angle equation", "F(t) as stated is the derived residual", *decide_zero(sp.expand(stated - derived))),
        Check(
            "start",
            "F'' = (beta - t/2pi) cos t - sin t/2pi, which vanishes where tan t = 2 pi beta - t",
            *decide_zero(sp.expand(derived.diff(angle, 2) - curvature)),
        ),
    ),
)
