"""Proofs of the regulatory log: notary, witness, proof files, and the check of each.

The notary signs what the log holds, so that nobody can change it later unseen, its operator
included. Nothing here runs inside a job: a job never has a signing key.
"""
