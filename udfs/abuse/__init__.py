"""Market abuse: what is told from orders and trades, by rules and by models."""
