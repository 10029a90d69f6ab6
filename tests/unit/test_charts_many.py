"""Pictures of many devices, of few points, and of flat lines."""

from __future__ import annotations

import math

import numpy as np
import pytest
from figure_texts import legend_of
from msgspec.structs import replace
from section_records import RECORDS

from cardcallback.record import RunRecord, Trace
from cardcallback.render.pictures.loss import draw_loss
from cardcallback.render.pictures.power import draw_power_and_memory
from cardcallback.testing import make_record
from cardcallback.units import BYTES_PER_GIBIBYTE


def test_few_points_are_not_smoothed() -> None:
    """Four logged losses are shown as four points."""
    figure = draw_loss(make_record(curves={"loss": ((1.0, 4.2), (2.0, 3.9), (3.0, 3.3), (4.0, 3.2))}))
    assert legend_of(figure) == ["training", "published: step 450"]


def test_not_a_number_is_left_out() -> None:
    """A diverged loss cannot break the picture."""
    curves = {"loss": ((1.0, 2.0), (2.0, math.nan), (3.0, math.inf), (4.0, 1.5))}
    line = draw_loss(make_record(curves=curves)).axes[0].get_lines()[0]
    assert list(line.get_ydata()) == [2.0, 1.5]


def _many_gpus(count: int, points: int = 40) -> RunRecord:
    """A record of several alike GPUs, each with power and memory of its own."""
    record = make_record()
    (device,) = record.hardware.accelerators
    machine = replace(record.hardware.machine, name=None, unified_memory=False)
    hardware = replace(record.hardware, accelerators=(replace(device, name="NVIDIA H100"),) * count, machine=machine)
    traces = [
        Trace(
            quantity=quantity, unit=unit, source=source, session=0, device=index, reduction="mean",
            points=tuple((60.0 * place, size * (1 + index / 50)) for place in range(points)),
        )
        for index in range(count)
        for quantity, unit, source, size in (
            ("gpu_power", "watts", "nvml:power", 400.0),
            ("gpu_process_memory", "bytes", "nvml:process", 30.0 * BYTES_PER_GIBIBYTE),
            ("torch_reserved", "bytes", "torch:allocator", 25.0 * BYTES_PER_GIBIBYTE),
        )
    ]  # fmt: skip
    return replace(record, hardware=hardware, traces=tuple(traces))


@pytest.mark.parametrize("count", [2, 3, 4])
def test_no_two_devices_look_alike(count: int) -> None:
    """Each line of a panel has a look of its own; where there are too many, each quantity is one band."""
    for axes in draw_power_and_memory(_many_gpus(count)).axes:
        named = [line for line in axes.get_lines() if not str(line.get_label()).startswith(("_", "total"))]
        looks = [(line.get_color(), line.get_linestyle()) for line in named]
        assert len(set(looks)) == len(looks) >= 2


@pytest.mark.parametrize(("numbers", "missing"), [((4, 5), None), ((0, 1, 2), None), ((4, 5), 4), ((0, 1, 2, 3), 1)])
def test_a_device_has_one_colour_in_every_panel(numbers: tuple[int, ...], missing: int | None) -> None:
    """Also where one of them is missing from a panel; what is of no device has another."""
    record = _many_gpus(len(numbers))
    machine = Trace(
        quantity="system_memory", unit="bytes", source="proc:meminfo", session=0, reduction="maximum",
        points=((0.0, 1e10), (60.0, 1e10)),
    )  # fmt: skip
    moved = [replace(trace, device=numbers[trace.device or 0]) for trace in record.traces]
    kept = [one for one in moved if one.quantity != "torch_reserved"]
    kept = [one for one in kept if one.quantity != "gpu_process_memory" or one.device != missing]
    figure = draw_power_and_memory(replace(record, traces=(*kept, machine)))
    named = [(str(line.get_label()), line.get_color()) for axes in figure.axes for line in axes.get_lines()]
    colors = {number: {color for label, color in named if label.endswith(f"GPU {number}")} for number in numbers}
    assert all(len(found) == 1 for found in colors.values())
    assert len(set.union(*colors.values())) == len(numbers)
    (of_machine,) = {color for label, color in named if label.startswith("main memory")}
    assert of_machine not in set.union(*colors.values())


def test_many_devices_are_a_mean_and_a_range() -> None:
    """Eight lines hide each other: their mean and the lowest to highest are drawn."""
    figure = draw_power_and_memory(_many_gpus(8))
    assert legend_of(figure)[:2] == ["mean of 8 GPUs", "lowest to highest"]
    (line,) = [line for line in figure.axes[0].get_lines() if line.get_label() == "mean of 8 GPUs"]
    assert np.allclose(line.get_ydata(), 400.0 * (1 + 3.5 / 50))


def test_a_device_has_its_own_name_beside_its_number() -> None:
    """Of a machine's GPUs 1 and 2, which are of two kinds, none is called by the other's name."""
    record = _many_gpus(3)
    kinds = zip(record.hardware.accelerators[1:], ("NVIDIA A", "NVIDIA B"), (1, 2), strict=True)
    devices = tuple(replace(device, name=name, number=number) for device, name, number in kinds)
    traces = tuple(one for one in record.traces if one.device != 0 and one.quantity == "gpu_power")
    record = replace(record, hardware=replace(record.hardware, accelerators=devices), traces=traces)
    assert legend_of(draw_power_and_memory(record))[:2] == ["GPU 1 (NVIDIA A)", "GPU 2 (NVIDIA B)"]


def test_a_single_reading_is_a_visible_dot() -> None:
    """What the legend names can be seen: one point has no line."""
    record = make_record()
    power, memory = record.traces
    record = replace(record, traces=(replace(power, points=power.points[:1]), memory))
    (line,) = [line for line in draw_power_and_memory(record).axes[0].get_lines() if line.get_label() == "GPU power"]
    assert line.get_marker() == "o"
    assert not line.get_clip_on()


def test_a_single_reading_of_many_devices_is_a_visible_dot() -> None:
    """A run of seconds reads the memory of eight GPUs once, one after another: no panel is empty for that."""
    record = _many_gpus(8)
    traces = tuple(replace(trace, points=((0.1 * (trace.device or 0), trace.points[0][1]),)) for trace in record.traces)
    for axes in draw_power_and_memory(replace(record, traces=traces)).axes:
        dots = [line for line in axes.get_lines() if line.get_marker() == "o"]
        assert dots
        assert all(len(line.get_xdata()) == 1 and not line.get_clip_on() for line in dots)


def test_a_flat_loss_is_drawn_flat() -> None:
    """The float noise of a loss that does not move is neither stretched to a curve nor written as an offset."""
    points = tuple((float(step), 0.693147 + 1e-8 * (step % 3)) for step in range(1, 60))
    figure = draw_loss(make_record(curves={"loss": points}))
    axes = figure.axes[0]
    low, high = axes.get_ylim()
    assert high - low >= 0.0069
    figure.canvas.draw()
    assert axes.yaxis.get_offset_text().get_text() == ""


def test_the_held_out_loss_before_training_is_a_point_at_step_0() -> None:
    """It belongs to the curve where it is of the same set, and nowhere else."""

    def held_out(record: RunRecord) -> tuple[float, float]:
        (line,) = [line for line in draw_loss(record).axes[0].get_lines() if line.get_label() == "held-out"]
        return float(line.get_xdata()[0]), float(line.get_ydata()[0])

    assert held_out(make_record()) == (0.0, 1.871)
    assert held_out(RECORDS["different_sets"]())[0] == 50.0
