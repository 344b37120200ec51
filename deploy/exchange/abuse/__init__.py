"""Abuse that is planted: a module a practice, each a script of one scheme with drawn parameters."""
