"""What travels: records, their codec and rules, and the contract of a step."""
