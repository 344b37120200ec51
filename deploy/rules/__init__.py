"""Rule sets from a person's file to the stream: read, compared, signed, published."""
