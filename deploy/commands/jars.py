"""jars: the services' jars."""

import typer

jars = typer.Typer(no_args_is_help=True, help="Fetch the services' jars, or lock other versions.")


def register(app: typer.Typer) -> None:
    """Add the command group."""
    app.add_typer(jars, name="jars", rich_help_panel="Set-up")


@jars.command(epilog="Example: tidemark jars fetch")
def fetch() -> None:
    """Download what jars.lock names, each file checked against its SHA-256."""
    from deploy import jars as jar_files
    from deploy import java
    from deploy.settings import Settings

    home = Settings.load().jar_home
    count = jar_files.fetch(home, typer.echo)
    typer.echo(f"{count} jars fetched, {len(jar_files.locked())} in {home}; Java: {java.home()}")


@jars.command(epilog="Example: edit deploy/versions.toml, then: tidemark jars lock")
def lock() -> None:
    """Resolve versions.toml afresh and rewrite jars.lock (takes minutes)."""
    from deploy import jars as jar_files

    typer.echo(f"{jar_files.lock(typer.echo)} jars locked in {jar_files.LOCK}")
