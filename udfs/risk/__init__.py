"""Market risk: positions, P&L, VaR and ES, limits, margin, backtests."""
