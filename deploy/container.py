"""Runs Flink in a container of docker-compose.yml, with the configuration of the native stack.

python -m deploy.container jobmanager|taskmanager
"""

import argparse
import os

from deploy.environment import ONE_THREAD, QUIET
from deploy.processes import clean_environment
from deploy.services.flink import Network, environment, metrics, package, write_configuration
from deploy.settings import Settings

NETWORK = Network(jobmanager="jobmanager", taskmanager="taskmanager", bind="0.0.0.0")


def main() -> None:
    """Write the configuration and become Flink's process."""
    parser = argparse.ArgumentParser()
    parser.add_argument("role", choices=("jobmanager", "taskmanager"))
    role = parser.parse_args().role
    settings = Settings.load()
    write_configuration(settings, NETWORK)
    script = package() / "bin" / f"{role}.sh"
    argv = [script, "start-foreground", *metrics(settings, int(role == "taskmanager"))]
    env = clean_environment() | environment(settings, role) | ONE_THREAD | QUIET
    neutral = settings.run / "cwd"
    neutral.mkdir(parents=True, exist_ok=True)
    os.chdir(neutral)
    os.execve(script, [str(part) for part in argv], env)


if __name__ == "__main__":
    main()
