"""Who paid whom and who owed whom, as edges of a graph, aggregated a window of business time."""

from udfs.graph.step import TABLES, Config, GraphStep

__all__ = ["TABLES", "Config", "GraphStep"]
