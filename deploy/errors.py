"""What a person is told when something they can mend is wrong."""


class UserError(Exception):
    """A problem of the surroundings, in one line that ends with what to do."""
