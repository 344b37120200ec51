"""Models are fitted here, on generated worlds or on labels of analysts; workers only apply them."""
