"""Personal data that can be erased although the log cannot: commitments there, values in a vault.

payments with names -> pseudonymise -> payments with commitments -> the log
                           |
                           v
                         vault: subject -> salt, values         erase: both are gone
"""

from deploy.erasure.commitments import commitment, is_commitment
from deploy.erasure.pseudonyms import PERSONAL, Pseudonymous, pseudonymised
from deploy.erasure.vault import Opened, Vault

__all__ = [
    "PERSONAL",
    "Opened",
    "Pseudonymous",
    "Vault",
    "commitment",
    "is_commitment",
    "pseudonymised",
]
