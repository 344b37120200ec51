"""Reports from the log: drafts and extracts as files, and how a report is submitted.

`walk` reads the log once, each report has a module of its own, `submission` is the state machine.
"""
