"""`tidemark`: the commands of deploy/commands, found by looking into that folder.

A command module imports what is heavy inside its functions, so that `tidemark --help` stays quick.
"""

import importlib
import os
import pkgutil
import sys

import typer

from deploy import commands
from deploy.environment import QUIET
from deploy.errors import UserError
from deploy.explain import explain

app = typer.Typer(
    name="tidemark",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    help="Netting, graph and regulatory events, recomputable from the recorded input.",
    epilog="A first look: tidemark demo. What is wrong here: tidemark doctor.",
)


def register_all() -> None:
    """Let every module of deploy/commands add its commands."""
    for found in sorted(pkgutil.iter_modules(commands.__path__), key=lambda module: module.name):
        importlib.import_module(f"deploy.commands.{found.name}").register(app)


def main() -> None:
    """Run one command; what a person can mend is one line on stderr and exit code 1."""
    os.environ.update(QUIET | os.environ)
    register_all()
    try:
        app()
    except UserError as error:
        print(f"tidemark: {error}", file=sys.stderr)
        sys.exit(1)
    except KeyboardInterrupt:
        print("tidemark: interrupted", file=sys.stderr)
        sys.exit(130)
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(1)
    except Exception as error:
        line = explain(error)
        if line is None:
            raise
        print(f"tidemark: {line}", file=sys.stderr)
        sys.exit(1)


if __name__ == "__main__":
    main()
