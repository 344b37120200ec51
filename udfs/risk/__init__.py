"""Market risk: positions and their P&L, value at risk and shortfall, margin, limits."""
