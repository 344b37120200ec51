"""Market risk as people ask for it: published controls, what stands where, backtests."""
