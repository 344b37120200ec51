"""Flink seen from outside: the code it is sent, how jobs are submitted, what REST says of them."""

from deploy.flink.archive import archive
from deploy.flink.client import Flink
from deploy.flink.rest import Job, Rest

__all__ = ["Flink", "Job", "Rest", "archive"]
