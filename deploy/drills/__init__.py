"""Drills: do to a running job what operations or bad luck do to it, and compare with the oracle."""
