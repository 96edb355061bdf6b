"""A checker of certificates that needs to be trusted as little as possible.

It imports the standard library alone, does interval arithmetic on integers, and differentiates by itself.  What found
a proof (ball arithmetic, floating point, a human) does not matter here: only whether the proof is one.
"""
