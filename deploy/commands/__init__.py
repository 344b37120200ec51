"""The commands of `tidemark`, one module each with `register(app)`."""
