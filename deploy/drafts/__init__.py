"""Draft rule sets judged before they decide: over a recorded range, or by their shadow's alerts.

`folds` runs the job with and without a draft, `compared` says where the alerts differ, `judged` how
many of them are right, `backtest` puts it together, `shadow` compares what a shadow has said.
"""
