"""What is decided: one package a domain, pure functions of state, batch and clock."""
