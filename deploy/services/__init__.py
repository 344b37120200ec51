"""The services of the stack, one module each."""
