"""Signers, authorities and logs of our own: everything that signature tests need is made when they run.

The parts are written from the formats' specifications and do not import the package under test, so that an error made
there is not made here a second time. Keys are made anew in each run; times are fixed.
"""
