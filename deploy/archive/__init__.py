"""Topics as files: every record with offset, append time, key and value, and a manifest of hashes.

`export` writes an archive, `reading` reads it without a broker, `restore` puts it back into topics.
"""
