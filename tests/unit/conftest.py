"""Fixtures of the unit tests."""

from simulator_fixtures import simulate

__all__ = ["simulate"]
