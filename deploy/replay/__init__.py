"""Runs a recorded stretch of a job once more and compares: every record, every chain head.

`recorded` knows what the batch indexes say of the first run, `bounds` turns a person's words into
offsets, `comparing` compares, `running` lets Flink do the work, `audit` puts it together.
"""
