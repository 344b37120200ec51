"""Market risk: positions, profit and loss, tails, margin and limits, as functions over arrays."""
