"""The model that is to be judged, by its name."""

from deploy.errors import UserError
from udfs.abuse.features import FEATURES
from udfs.abuse.model import Model, known, load, role
from udfs.model_files import ModelError


def named(name: str = "") -> Model:
    """The model of this name, or the champion.

    Raises:
        UserError: There is none, or it is damaged.
    """
    try:
        there = {path.name: digest for digest, path in known().items()}
        digest = there.get(name, "") if name else role("champion")
        if not digest:
            names = ", ".join(sorted(there)) or "none"
            raise UserError(f"there is no model {name or 'champion'}; there are: {names}")
        return load(digest, list(FEATURES))
    except ModelError as error:
        raise UserError(str(error)) from None
