"""Power and memory over time, with evaluation and saving shaded; sessions follow one another."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from cardcallback.record import RunRecord, Trace
from cardcallback.render.energy_words import power_noun
from cardcallback.render.figures import resolved_value, value_of
from cardcallback.render.pictures.choice import (
    SYSTEM_MEMORY,
    computers_power,
    has_several_computers,
    memory_traces,
    power_traces,
    power_words,
)
from cardcallback.render.pictures.lines import LINE_STYLES, MOST_LINES, draw_range, draw_trace, session_offsets
from cardcallback.render.pictures.style import (
    DASHES,
    EVALUATION_SHADE,
    FAINT,
    INK,
    SAVING_SHADE,
    SERIES,
    draw_levels,
    legend_above,
    new_figure,
)
from cardcallback.render.run_words import (
    WHOLE_MACHINE,
    baseline_words,
    device_numbers,
    has_unified_memory,
    memory_owner,
)
from cardcallback.render.text import escape_picture
from cardcallback.units import BYTES_PER_GIBIBYTE, SECONDS_PER_HOUR, SECONDS_PER_MINUTE, format_power, format_ranks

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Panel = Callable[["Axes", RunRecord, float], None]

_SHADES = {"evaluation": EVALUATION_SHADE, "saving": SAVING_SHADE}
_MEMORY_NAMES = {
    "gpu_process_memory": "this job",
    "torch_reserved": "reserved by PyTorch",
    "torch_allocated": "PyTorch tensors",
}
# Narrower spans would vanish at 700 px.
_NARROWEST_SPAN_SHARE = 0.002


def draw_power_and_memory(record: RunRecord) -> Figure:
    """The picture as a figure; needs ``pictures_of`` to have named it."""
    panels = _panels(record)
    figure, axes = new_figure(len(panels), 2.5 * len(panels) + 0.4)
    unit_seconds, unit = _time_unit(record.duration_seconds)
    for place, (axis, draw) in enumerate(zip(axes, panels, strict=True)):
        draw(axis, record, unit_seconds)
        _shade(axis, record, unit_seconds, labelled=place == 0)
        _divide_sessions(axis, record, unit_seconds)
        axis.margins(x=0.01, y=0.1 if draw is _draw_power else None)
        axis.set_ylim(bottom=0)
        legend_above(axis)
    axes[-1].set_xlabel(f"time since training began ({unit})")
    return figure


def _panels(record: RunRecord) -> list[Panel]:
    """One panel for each kind of quantity; memory of the GPU's own has another scale than the machine's."""
    panels: list[Panel] = [_draw_power] if power_traces(record) or computers_power(record) else []
    traces = memory_traces(record)
    if any(trace.quantity != SYSTEM_MEMORY for trace in traces) and not has_unified_memory(record):
        panels.append(_draw_gpu_memory)
        traces = tuple(trace for trace in traces if trace.quantity == SYSTEM_MEMORY)
    return [*panels, _draw_memory] if traces else panels


def _draw_power(axes: Axes, record: RunRecord, unit_seconds: float) -> None:
    traces = computers_power(record)
    if traces:
        _draw_power_of_computers(axes, record, traces, unit_seconds)
    else:
        _draw_power_of_devices(axes, record, unit_seconds)


def _draw_power_of_computers(axes: Axes, record: RunRecord, traces: Sequence[Trace], unit_seconds: float) -> None:
    if len(traces) > MOST_LINES:
        label = f"mean of {len(traces)} computers"
        draw_range(axes, record, traces, unit_seconds, 1.0, color=SERIES[0], label=label)
    else:
        for number, trace in enumerate(traces):
            look = {"color": SERIES[number], "linestyle": LINE_STYLES[number]}
            label = f"GPUs of {format_ranks(record.nodes[trace.device or 0].ranks)}"
            draw_trace(axes, record, trace, unit_seconds, 1.0, label=label, **look)
    axes.set_ylabel(f"{power_words(power_traces(record))}, summed (W)")


def _draw_power_of_devices(axes: Axes, record: RunRecord, unit_seconds: float) -> None:
    traces = power_traces(record)
    devices = sorted({trace.device or 0 for trace in traces})
    colors = _device_colors(record)
    many = len(devices) > MOST_LINES
    if many:
        draw_range(axes, record, traces, unit_seconds, 1.0, color=SERIES[0], label=f"mean of {len(devices)} GPUs")
    for trace in () if many else traces:
        place = devices.index(trace.device or 0)
        label = power_words((trace,)) if len(devices) == 1 else _device_label(record, trace.device or 0)
        look = {"color": colors.get(trace.device or 0, SERIES[place]), "linestyle": LINE_STYLES[place]}
        draw_trace(axes, record, trace, unit_seconds, 1.0, label=label, **look)
    accelerators = record.hardware.accelerators
    mean = accelerators[0].mean_power if len(devices) == 1 == len(accelerators) else None
    if (watts := resolved_value(mean)) is not None:
        # The energy counter that gives the mean may be the module's where the gauge is the GPU's.
        noun = power_noun(mean)
        whose = "" if f"{noun} power" == power_words(traces) else f"{noun} "
        label = f"{whose}mean {format_power(watts)}"
        axes.axhline(watts, color=INK, linewidth=1.0, linestyle=DASHES, zorder=4, label=label)
    axes.set_ylabel(f"{power_words(traces)} (W){_of_first(record)}")


def _draw_gpu_memory(axes: Axes, record: RunRecord, unit_seconds: float) -> None:
    traces = [trace for trace in memory_traces(record) if trace.quantity != SYSTEM_MEMORY]
    _draw_memory_traces(axes, record, traces, unit_seconds)
    sizes = {device.memory_total_bytes for device in record.hardware.accelerators}
    if len(sizes) == 1 and (size := sizes.pop()):
        draw_levels(axes, [("total", float(size))])
    axes.set_ylabel(f"GPU memory (GiB){_of_first(record)}")


def _draw_memory(axes: Axes, record: RunRecord, unit_seconds: float) -> None:
    traces = memory_traces(record)
    if not has_unified_memory(record):
        traces = tuple(trace for trace in traces if trace.quantity == SYSTEM_MEMORY)
    _draw_memory_traces(axes, record, traces, unit_seconds)
    memory = record.memory
    # Of a job's computers the highest peak is told, which another one's line never reaches.
    if any(trace.quantity == SYSTEM_MEMORY for trace in traces) and not has_several_computers(record):
        named = (
            ("total", memory.total),
            ("peak", memory.system_peak),
            (baseline_words(memory.system_baseline), memory.system_baseline),
        )
        draw_levels(axes, [(name, size) for name, measurement in named if (size := value_of(measurement))])
    axes.set_ylabel(f"memory in use (GiB){_of_first(record)}")


def _device_colors(record: RunRecord) -> dict[int | None, str]:
    """A colour for each of several GPUs, the same in every panel; none where lines do not stand for single ones."""
    traces = (*power_traces(record), *memory_traces(record))
    devices = sorted({trace.device for trace in traces if trace.device is not None})
    return dict(zip(devices, SERIES, strict=False)) if 1 < len(devices) <= MOST_LINES else {}


def _of_first(record: RunRecord) -> str:
    return "\ncomputer of rank 0" if has_several_computers(record) else ""


def _draw_memory_traces(axes: Axes, record: RunRecord, traces: Sequence[Trace], unit_seconds: float) -> None:
    owner = memory_owner(record)
    whole = f"{'unified' if has_unified_memory(record) and owner == WHOLE_MACHINE else 'main'} memory, {owner}"
    names = {SYSTEM_MEMORY: whole} | _MEMORY_NAMES
    devices = sorted({trace.device or 0 for trace in traces})
    colors = _device_colors(record)
    # Beside GPUs that have their own colours, other lines have none of those.
    others = SERIES[len(colors) :] if colors else SERIES[1:]
    quantities = [name for name in names if any(trace.quantity == name for trace in traces)]
    many = len(devices) > MOST_LINES or len(devices) * len(quantities) > len(SERIES) - 1
    for row, quantity in enumerate(quantities):
        found = [trace for trace in traces if trace.quantity == quantity]
        if many and len({trace.device for trace in found}) > 1:
            label = f"{names[quantity]}, mean of {len(devices)} GPUs"
            color = others[row]
            draw_range(axes, record, found, unit_seconds, BYTES_PER_GIBIBYTE, color=color, label=label)
            continue
        for trace in found:
            label = names[quantity]
            if len(devices) > 1 and trace.device is not None:
                label += f", GPU {trace.device}"
            # Lines of one colour differ by their dashes; where each has its own, those are as in the power panel.
            dashes = row if len(quantities) > 1 else devices.index(trace.device or 0)
            look = {"color": colors.get(trace.device, others[row]), "linestyle": LINE_STYLES[0 if many else dashes]}
            draw_trace(axes, record, trace, unit_seconds, BYTES_PER_GIBIBYTE, label=label, **look)


def _device_label(record: RunRecord, device: int) -> str:
    found = record.hardware.accelerators
    alike = len({accelerator.name for accelerator in found}) <= 1
    names = dict(zip(device_numbers(found), (accelerator.name for accelerator in found), strict=True))
    name = "" if alike or device not in names else f" ({escape_picture(names[device], 24)})"
    return f"GPU {device}{name}"


def _shade(axes: Axes, record: RunRecord, unit_seconds: float, *, labelled: bool) -> None:
    offsets = session_offsets(record)
    narrowest = record.duration_seconds * _NARROWEST_SPAN_SHARE
    named: set[str] = set()
    for span in record.phase_spans:
        color = _SHADES.get(span.phase)
        if color is None or span.session >= len(record.sessions):
            continue
        begin = offsets[span.session] + span.begin_seconds
        end = max(begin + narrowest, offsets[span.session] + span.end_seconds)
        label = span.phase if labelled and span.phase not in named else None
        axes.axvspan(begin / unit_seconds, end / unit_seconds, color=color, linewidth=0, zorder=0, label=label)
        named.add(span.phase)


def _divide_sessions(axes: Axes, record: RunRecord, unit_seconds: float) -> None:
    for offset in session_offsets(record)[1 : len(record.sessions)]:
        axes.axvline(offset / unit_seconds, color=FAINT, linewidth=1.2, linestyle=":", zorder=2)
        axes.annotate(
            "resumed",
            xy=(offset / unit_seconds, 0.02),
            xycoords=axes.get_xaxis_transform(),
            xytext=(3, 0),
            textcoords="offset points",
            fontsize=9,
            color=FAINT,
        )


def _time_unit(duration_seconds: float) -> tuple[float, str]:
    if duration_seconds >= 3 * SECONDS_PER_HOUR:
        return SECONDS_PER_HOUR, "hours"
    if duration_seconds >= 3 * SECONDS_PER_MINUTE:
        return SECONDS_PER_MINUTE, "minutes"
    return 1.0, "seconds"
