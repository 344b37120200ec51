"""Lists of sanctioned and politically exposed parties: files, publishing, made-up data."""
