"""What is known of customers: read from the stream, and changed in it."""
