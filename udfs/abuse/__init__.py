"""Surveillance of order books for market abuse: features, rules, scores."""
