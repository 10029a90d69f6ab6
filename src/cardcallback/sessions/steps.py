"""Which steps of a run's sessions count, and which were done again after a resume."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from cardcallback.record import Session


def steps_done_again(sessions: Sequence[Session]) -> int:
    """Optimiser steps whose work was lost, because the next session began before them."""
    pairs = itertools.pairwise(sessions)
    return sum(max(0, before.last_step - after.first_step) for before, after in pairs)


def counted_steps(sessions: Sequence[Session]) -> int:
    """Optimiser steps that led to the weights, each once; those that no session measured are not in it."""
    taken = sum(max(0, session.last_step - session.first_step) for session in sessions)
    return max(0, taken - steps_done_again(sessions))
