"""Everything around the jobs: the stack of services, the command line, drills and measurements."""
