"""Settings of every test."""

import pytest
from hypothesis import settings

pytest.register_assert_rewrite("tests.surveillance")
settings.register_profile("tidemark", deadline=None)
settings.load_profile("tidemark")
