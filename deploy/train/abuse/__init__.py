"""Models of market abuse are fitted here, on simulated markets; workers only apply them."""
