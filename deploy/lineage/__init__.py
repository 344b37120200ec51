"""What a result rests on and what a record caused: an index over the regulatory log, and questions.

The index is derived: it can be thrown away and built again from the log at any time.
"""
