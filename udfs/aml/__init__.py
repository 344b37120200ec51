"""Anti-money-laundering: rules over a customer's postings, one small module each."""
