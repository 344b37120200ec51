"""How well decisions find what generators planted."""
