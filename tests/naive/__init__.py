"""Second, naive implementations of the decisions: plain loops, written from the definitions."""
