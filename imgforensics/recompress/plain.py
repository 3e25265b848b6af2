"""What the encoders need of the ``cython`` module when they run as plain Python and Cython is not installed.

A source begins with ``import cython`` and takes this module where that fails. Types and C functions stand in the
``.pxd`` file beside each source, so that three names are all that is left.
"""

from contextlib import nullcontext

compiled = False
"""Cython replaces it by True in compiled code."""

nogil = nullcontext()
"""``with cython.nogil`` releases the interpreter's lock in compiled code; in plain Python it does nothing."""

gil = nullcontext()
"""``with cython.gil`` takes it again."""
