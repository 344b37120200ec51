"""Shapley values of decision trees by Shapley's definition: over all subsets, in fractions."""

import math
from fractions import Fraction
from itertools import combinations
from math import factorial


def expected(node, row, known):
    """What a tree says when only the features in `known` are (Lundberg et al. 2018, algorithm 1).

    A node is a leaf's value, or (feature, cut, missing goes left, left, right, rows left, right).
    """
    if not isinstance(node, tuple):
        return Fraction(node)
    feature, cut, missing_left, left, right, rows_left, rows_right = node
    if feature in known:
        value = row[feature]
        to_left = missing_left if math.isnan(value) else value <= cut
        return expected(left if to_left else right, row, known)
    whole = rows_left + rows_right
    return (
        Fraction(rows_left, whole) * expected(left, row, known)
        + Fraction(rows_right, whole) * expected(right, row, known)
    )  # fmt: skip


def shapley(node, row):
    """What each feature adds: the mean over all orders in which features become known."""
    every, found = range(len(row)), []
    for feature in every:
        rest = [one for one in every if one != feature]
        total = Fraction(0)
        for size in range(len(row)):
            weight = Fraction(factorial(size) * factorial(len(row) - size - 1), factorial(len(row)))
            for known in combinations(rest, size):
                gained = expected(node, row, {*known, feature}) - expected(node, row, set(known))
                total += weight * gained
        found.append(total)
    return found
