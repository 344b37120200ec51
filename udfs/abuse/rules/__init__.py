"""Rules for practices of market abuse: one module a practice."""
