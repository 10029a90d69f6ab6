"""What a card says of memory: each figure's window and rate, and what none of them sees."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace
from section_records import RECORDS

from cardcallback.record import RunRecord, Window, not_measured
from cardcallback.render.section import render_section
from cardcallback.testing import make_measurement, make_record
from cardcallback.units import BYTES_PER_GIBIBYTE


def memory_line(record: RunRecord) -> str:
    """The paragraph on memory."""
    return next(line for line in render_section(record).splitlines() if line.startswith("- **Memory.**"))


def with_memory(record: RunRecord, **figures: Any) -> RunRecord:
    """The record with these memory figures instead."""
    return replace(record, memory=replace(record.memory, **figures))


def test_each_figure_says_since_when_and_how_often() -> None:
    """Window and rate stand beside every one of them."""
    line = memory_line(make_record())
    assert "PyTorch (since process start; its own marks, read every 5 seconds): 38.0 GiB" in line
    assert "by NVML (during training, read every minute): 43.5 GiB" in line
    assert "in main memory (during training, read every second, shared pages count once for each process)" in line
    assert "may have been higher" in line


def test_marks_that_others_reset_say_so() -> None:
    """The window's name is the figure's."""
    record = make_record()
    window = Window(name="since process start, with resets by other code")
    line = memory_line(
        with_memory(record, torch_peak_allocated=replace(record.memory.torch_peak_allocated, window=window))
    )
    assert "PyTorch (since process start, with resets by other code;" in line


def test_the_sum_over_devices_is_called_that() -> None:
    """Nobody takes two devices' own peaks for one moment's use."""
    record = make_record()
    covers = ("tensors", "sum of 2 devices' own peaks, which need not have been at the same moment")
    peak = replace(record.memory.torch_peak_allocated, covers=covers)
    assert covers[1] in memory_line(with_memory(record, torch_peak_allocated=peak))


def test_paged_optimiser_state_is_placed() -> None:
    """On unified memory the machine's figure has it; on a discrete GPU only what lies in main memory."""
    assert "PyTorch's figures leave it out, and NVML's figure of this job may; the whole machine's figure has it" in (
        memory_line(make_record())
    )
    assert "what of it lies in main memory is in the whole machine's figure" in memory_line(RECORDS["two_h100"]())
    plain = make_record()
    settings = {**plain.training.hyperparameters, "optim": "adamw_torch"}
    assert "aged" not in memory_line(replace(plain, training=replace(plain.training, hyperparameters=settings)))


def test_paged_state_is_told_of_known_figures_only() -> None:
    """What was not measured leaves nothing out and holds nothing."""
    record, none = make_record(), not_measured("bytes", "x")
    no_torch = {"torch_peak_allocated": none, "torch_peak_reserved": none}
    assert "memory: NVML's figure of this job may leave it out; the whole" in memory_line(
        with_memory(record, **no_torch)
    )
    line = memory_line(with_memory(record, accelerator_process_peak=none))
    assert "memory: PyTorch's figures leave it out; the whole machine's figure has it." in line
    line = memory_line(with_memory(record, system_peak=none))
    assert "PyTorch's figures leave it out, and NVML's figure of this job may. " in line
    everything = {**no_torch, "accelerator_process_peak": none}
    assert "managed memory: the whole machine's figure has it." in memory_line(with_memory(record, **everything))
    assert "managed memory" not in memory_line(with_memory(record, **everything, system_peak=none))


def test_waiting_for_memory_is_told_where_it_cost_time() -> None:
    """From one percent of the time on; 672 s of 6,720 s are 10 %."""
    record = make_record()
    some, every = (make_measurement(s, "seconds", "proc:pressure/memory", "counter") for s in (672.0, 120.0))
    line = memory_line(with_memory(record, stalled_some=some, stalled_all=every))
    assert "**Memory was short:** during 10.0 % of the time (11 min 12 s)" in line
    assert "for 2 min all work on it did" in line
    assert "short" not in memory_line(record)
    unknown = not_measured("seconds", "this kernel keeps no pressure stall information")
    assert "short" not in memory_line(with_memory(record, stalled_some=unknown))


def test_swap_is_told_beside_its_baseline() -> None:
    """How much was there before training is not the training's."""
    record = make_record()
    figures = {
        "swap_peak": replace(record.memory.system_peak, value=3.0 * BYTES_PER_GIBIBYTE, sampling_interval_seconds=5.0),
        "swap_baseline": replace(record.memory.system_baseline, value=1.0 * BYTES_PER_GIBIBYTE),
    }
    line = memory_line(with_memory(record, **figures))
    assert (
        "Swap in use (during training, read every 5 seconds): peak 3.00 GiB, 1.00 GiB when the callback was made"
        in line
    )
    assert "No swap was in use" in memory_line(record)


def test_a_limit_is_told_with_what_it_does_not_bind() -> None:
    """On unified memory CUDA's allocations are outside a container's limit."""
    limit = make_measurement(32.0 * BYTES_PER_GIBIBYTE, "bytes", "cgroup:memory", "high_water_mark")
    words = "This container or job may use 32.0 GiB of host memory"
    assert f"{words}; CUDA memory does not count towards that." in memory_line(with_memory(make_record(), limit=limit))
    assert f"{words}. " in memory_line(with_memory(RECORDS["two_h100"](), limit=limit))
    assert "may use" not in memory_line(make_record())


def test_a_containers_own_meminfo_is_not_called_the_machines() -> None:
    """The row says whose memory it is, and that CUDA's is not in it."""
    record = make_record()
    covers = ("this container, by its own /proc/meminfo; CUDA memory is not in it",)
    section = render_section(with_memory(record, system_peak=replace(record.memory.system_peak, covers=covers)))
    row = next(line for line in section.splitlines() if line.startswith("| Memory in use"))
    assert row.startswith("| Memory in use, this container | peak 61.0 of 120 GiB")
    assert "CUDA memory is not in it" in row
    assert "the whole machine's figure" not in section


def test_an_older_record_says_nothing_of_what_it_does_not_have() -> None:
    """Records from before these figures keep their words."""
    nothing = dict.fromkeys(("limit", "swap_peak", "swap_baseline", "stalled_some", "stalled_all"))
    line = memory_line(with_memory(make_record(), **nothing))
    assert "wap" not in line
    assert "None" not in line
