"""What people do with alerts: the states, the work list, the cases and their deadlines."""
