"""Certified Gaussian expectations: the public face.

`mehler_enclosure` holds for functions that jump and bend, and is the independent check of closed forms.
"""

from __future__ import annotations

from dekderive.certificates.mehler import mehler_enclosure

__all__ = ["mehler_enclosure"]
