"""Fixtures of the unit tests."""

from plug_server import server

from simulator_fixtures import simulate

__all__ = ["server", "simulate"]
