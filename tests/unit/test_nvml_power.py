"""What each generation's readings mean."""

from __future__ import annotations

import pytest

from cardcallback.sensors.base import NOT_PUBLISHED
from cardcallback.sensors.nvml_power import (
    ADA,
    AMPERE,
    BLACKWELL,
    HOPPER,
    PASCAL,
    POWER_SOURCES,
    TURING,
    Part,
    counter_timing,
    highest_watts,
    power_accuracy,
    power_scope,
    power_sources,
    power_timing,
    source_scope,
)

_AVERAGE, _INSTANT, *_, _USAGE = POWER_SOURCES
_GB10 = Part(name="NVIDIA GB10", architecture=BLACKWELL, capability=(12, 1))
_A100 = Part(name="NVIDIA A100-SXM4-40GB", architecture=AMPERE, capability=(8, 0))


@pytest.mark.parametrize(
    ("part", "plain_window"),
    [
        (_GB10, 1.0),
        (_A100, 0.025),
        (Part(name="NVIDIA GeForce RTX 3090", architecture=AMPERE, capability=(8, 6)), 1.0),
        (Part(name="NVIDIA GeForce RTX 4090", architecture=ADA, capability=(8, 9)), 1.0),
        (Part(name="NVIDIA H100", architecture=HOPPER, capability=(9, 0)), 1.0),
        (Part(name="Tesla T4", architecture=TURING, capability=(7, 5)), 0.1),
        (Part(name="Tesla P100", architecture=PASCAL, capability=(6, 0)), 0.01),
        (Part(name="Unknown"), None),
    ],
)
def test_plain_call_averages_from_ampere_on_but_for_ga100(part: Part, plain_window: float | None) -> None:
    """The same call is a second's mean on one generation and a glimpse on another."""
    assert power_timing(part, _USAGE).averaging_seconds == plain_window


def test_average_field_is_a_second_and_read_twice_in_it() -> None:
    """Readings of a second's mean overlap, so that nothing is missed."""
    timing = power_timing(_A100, _AVERAGE)
    assert timing.averaging_seconds == 1.0
    assert timing.interval_seconds <= 0.5


def test_gauge_that_does_not_average_is_read_at_its_refresh() -> None:
    """Slower would be able to lock onto the rhythm of the steps."""
    for architecture in (PASCAL, TURING, HOPPER):
        timing = power_timing(Part(name="x", architecture=architecture), _INSTANT)
        assert timing.refresh_seconds is not None
        assert timing.interval_seconds <= timing.refresh_seconds


def test_gb10_claims_nothing_unpublished() -> None:
    """No accuracy, no refresh of the counter and no coverage of its memory are made up."""
    assert power_accuracy(_GB10) is NOT_PUBLISHED
    assert counter_timing(_GB10).refresh_seconds is None
    assert power_scope(_GB10, module=False).gpu_memory == "unknown"


def test_published_error_comes_with_its_source() -> None:
    """Where someone measured a generation, the figure names the work."""
    accuracy = power_accuracy(_A100)
    assert accuracy.relative == 0.06
    assert accuracy.source == "Yang et al., SC24"


def test_superchips_plain_call_is_not_called_the_gpus_alone() -> None:
    """Whether a GH200's plain power call holds its processor is not published; its module's field does."""
    gh200 = Part(name="NVIDIA GH200 480GB")
    assert source_scope(gh200, _USAGE).cpu == "unknown"
    assert source_scope(gh200, POWER_SOURCES[2]).cpu == "yes"
    assert source_scope(Part(name="NVIDIA H100"), _USAGE).cpu == "no"


def test_shared_modules_power_is_not_asked() -> None:
    """Where two GPUs share a module only the fields of GPU scope are sure to be one GPU's."""
    for name in ("NVIDIA GB200", "NVIDIA GB300"):
        ways = power_sources(Part(name=name))
        assert [(source.field, source.module) for source in ways] == [(185, False), (186, False)]
    assert any(source.module for source in power_sources(Part(name="NVIDIA GH200 480GB")))


def test_highest_power_is_the_limit_or_what_is_published() -> None:
    """The driver's limit where it tells one; the whole chip's 140 W for a GB10; else nothing."""
    assert highest_watts(Part(name="NVIDIA H100"), 700.0) == 700.0
    assert highest_watts(_GB10, None) == 140.0
    assert highest_watts(Part(name="NVIDIA Thor"), None) is None
    assert highest_watts(Part(name="NVIDIA H100"), None) is None


def test_unknown_architecture_has_no_name() -> None:
    """A generation to come is not called by another's name."""
    assert Part(name="x", architecture=0xFFFFFFFF).architecture_name is None
    assert _GB10.architecture_name == "Blackwell"
