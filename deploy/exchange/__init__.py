"""A simulated exchange: agents and abusers trade through the order book that the job runs."""
