"""High-dimensional equivalents of conjugate and tangent kernels of implicit and explicit networks."""
