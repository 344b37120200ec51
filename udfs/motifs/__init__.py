"""Shapes that money takes through several hands: fans, cycles, layers, found in time order.

`edges` holds what is known around a node, `fans`, `middle`, `chains` and `layers` find one shape
each as pure functions, `memory` keeps edges and relations between batches, `report` says what is
new about a shape, `step` folds all over the batches of a log.
"""
