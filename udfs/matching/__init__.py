"""A venue's order book: price-time priority, auctions, halts, checks before a trade."""
