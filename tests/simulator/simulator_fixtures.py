"""The simulated machine as a pytest fixture; import ``simulate`` in a folder's conftest.py."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from cardcallback.sensors.nvml import reset_nvml
from profiles import Profile
from simulator import Simulation, build_problem, profile_named

Simulate = Callable[..., Simulation]


@pytest.fixture
def simulate(tmp_path: Path) -> Iterator[Simulate]:
    """A function (profile or its name, driven=True) that makes this process meet a simulated machine."""
    problem = build_problem()
    if problem is not None:
        pytest.skip(problem)
    with contextlib.ExitStack() as machines:

        def meet(profile: Profile | str, *, driven: bool = True) -> Simulation:
            found = profile_named(profile) if isinstance(profile, str) else profile
            simulation = Simulation(found, tmp_path, driven=driven)
            return machines.enter_context(simulation.in_process(reset_nvml))

        yield meet
