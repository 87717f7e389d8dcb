"""Settings of all tests."""

import os

from hypothesis import settings

# `make test` runs a process for each core: more threads than one only wait for each other.
# torch and numpy read it when they are imported, and programs that a test starts inherit it.
os.environ.setdefault("OMP_NUM_THREADS", "1")

settings.register_profile("onespike", deadline=None)  # a busy machine is no failure
settings.load_profile("onespike")
