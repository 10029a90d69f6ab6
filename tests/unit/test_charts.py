"""The pictures: which are drawn, what is in them, and that they depend on the record alone."""

from __future__ import annotations

import io
import math
import struct
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import pytest
from figure_texts import legend_of, texts
from matplotlib import image
from matplotlib.figure import Figure
from msgspec.structs import replace
from section_records import RECORDS

from cardcallback.record import PhaseSpan, RunRecord, Trace
from cardcallback.render.pictures.choice import LOSS_PICTURE, POWER_PICTURE, picture_alt_text, pictures_of, smooth
from cardcallback.render.pictures.draw import draw_pictures
from cardcallback.render.pictures.lines import session_offsets, with_gaps
from cardcallback.render.pictures.loss import draw_loss
from cardcallback.render.pictures.power import draw_power_and_memory
from cardcallback.render.pictures.style import draw_levels, new_figure
from cardcallback.testing import make_record
from cardcallback.units import BYTES_PER_GIBIBYTE

WIDTH_PIXELS = 1400


def size_of(path: Path) -> tuple[int, int]:
    """Width and height of a PNG from its header."""
    header = path.read_bytes()[:24]
    assert header[:8] == b"\x89PNG\r\n\x1a\n"
    width, height = struct.unpack(">II", header[16:24])
    return width, height


@pytest.mark.parametrize("name", RECORDS)
def test_what_is_promised_is_drawn(name: str, tmp_path: Path) -> None:
    """Every situation gives exactly the pictures its section may link to, twice as wide as the Hub shows them."""
    record = RECORDS[name]()
    drawn = draw_pictures(record, tmp_path)
    assert tuple(path.name for path in drawn) == pictures_of(record)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(pictures_of(record))
    for path in drawn:
        width, height = size_of(path)
        assert width == WIDTH_PIXELS
        assert width / 3 < height < width * 1.3
        assert path.stat().st_size < 400_000


def test_nothing_to_draw_draws_nothing(tmp_path: Path) -> None:
    """A record without curves and traces leaves the folder empty."""
    assert draw_pictures(make_record(curves={}, traces=()), tmp_path) == ()
    assert list(tmp_path.iterdir()) == []


def test_the_same_record_gives_the_same_bytes(tmp_path: Path) -> None:
    """No clock, no random number, and no setting of the person's matplotlib is in a picture."""
    record = make_record()
    first = [path.read_bytes() for path in draw_pictures(record, tmp_path)]
    with mpl.rc_context({"axes.facecolor": "black", "font.size": 30, "savefig.dpi": 50, "figure.facecolor": "red"}):
        before = dict(mpl.rcParams)
        second = [path.read_bytes() for path in draw_pictures(record, tmp_path)]
        assert dict(mpl.rcParams) == before
    assert first == second
    assert all(b"Software" not in content for content in first)


def test_pyplot_is_not_touched(tmp_path: Path) -> None:
    """A notebook's own figures and backend stay as they are."""
    import matplotlib.pyplot as plt  # noqa: PLC0415  only this test may load it

    draw_pictures(make_record(), tmp_path)
    assert plt.get_fignums() == []


def test_each_picture_is_drawn_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Training's end waits for it, and a figure that is laid out by an engine is drawn twice by ``savefig``."""
    drawn, draw = [], Figure.draw

    def counted(figure: Figure, *arguments: Any, **options: Any) -> None:
        drawn.append(figure)
        draw(figure, *arguments, **options)

    monkeypatch.setattr(Figure, "draw", counted)
    assert len(draw_pictures(make_record(), tmp_path)) == len(drawn) == 2


def test_background_is_opaque_white(tmp_path: Path) -> None:
    """On a dark page a picture is a white plate, not dark letters on a dark page."""
    for path in draw_pictures(make_record(), tmp_path):
        pixels = image.imread(io.BytesIO(path.read_bytes()))
        assert np.all(pixels[0, 0] == 1.0)
        assert pixels.shape[-1] == 3


def test_simulated_devices_are_marked_in_every_panel(tmp_path: Path) -> None:
    """A simulated record's pictures differ and say so over the picture and inside each panel."""
    real = [path.read_bytes() for path in draw_pictures(make_record(), tmp_path)]
    simulated = [path.read_bytes() for path in draw_pictures(make_record(simulated=True), tmp_path)]
    assert all(one != other for one, other in zip(real, simulated, strict=True))
    assert "simulated device" in picture_alt_text(make_record(simulated=True), LOSS_PICTURE)
    assert "simulated" not in picture_alt_text(make_record(), LOSS_PICTURE)


def test_simulated_mark_is_red_ink(tmp_path: Path) -> None:
    """The mark is really on the picture: dark red pixels that a real device's picture has not."""

    def red(record: RunRecord) -> list[int]:
        found = []
        for path in draw_pictures(record, tmp_path):
            pixels = image.imread(io.BytesIO(path.read_bytes()))[..., :3]
            mark = np.array([0xB0, 0x00, 0x20]) / 255
            found.append(int((np.abs(pixels - mark).max(axis=-1) < 0.02).sum()))
        return found

    assert red(make_record()) == [0, 0]
    assert min(red(make_record(simulated=True))) > 1000


def test_loss_picture_names_its_lines_and_the_published_step() -> None:
    """Raw, smoothed, held-out and the published step with its loss."""
    figure = draw_loss(make_record())
    names = ["training, as logged", "training, smoothed", "held-out", "published: step 450, held-out loss 1.04"]
    assert legend_of(figure) == names
    assert "loss (token cross-entropy)" in texts(figure)


def test_rewards_have_a_panel_of_their_own() -> None:
    """A DPO run's rewards stand below the loss, on their own scale."""
    figure = draw_loss(RECORDS["dpo_after_sft"]())
    assert len(figure.axes) == 2
    assert legend_of(figure, 1) == ["chosen", "rejected", "margin, held-out"]
    assert "DPO loss" in texts(figure)


def test_wide_losses_get_a_logarithmic_axis() -> None:
    """A first loss many times the last does not flatten the rest of the curve."""
    figure = draw_loss(make_record(curves={"loss": tuple((float(s), 100.0 / s) for s in range(1, 60))}))
    assert figure.axes[0].get_yscale() == "log"


def test_smoothing_keeps_a_straight_line() -> None:
    """A centred mean neither delays a curve nor bends its ends."""
    points = tuple((float(step), 3.0 * step) for step in range(100))
    smoothed = smooth(points)
    assert [value for _, value in smoothed] == pytest.approx([3.0 * step for step, _ in smoothed])
    assert 85 <= len(smoothed) < 100


def test_power_picture_shows_phases_mean_and_total() -> None:
    """Power with its mean, evaluation and saving shaded, memory with total, peak and the level before."""
    figure = draw_power_and_memory(make_record())
    assert legend_of(figure) == ["GPU power", "mean 57.3 W", "evaluation", "saving"]
    assert {"total 120 GiB", "peak 61.0 GiB", "when the callback was made 8.00 GiB"} <= set(texts(figure))
    assert legend_of(figure, 1) == ["unified memory, whole machine"]


@pytest.mark.parametrize(("height", "side"), [(20.0, "bottom"), (33.0, "top"), (27.0, "bottom")])
def test_the_name_of_a_level_hides_as_little_of_a_curve_as_it_can(height: float, side: str) -> None:
    """Over its line as a rule, under it where a curve runs just over it."""
    _, (axes,) = new_figure(1, 2.0)
    axes.plot([0.0, 1.0], [height, height])
    draw_levels(axes, [("total", 100.0 * BYTES_PER_GIBIBYTE), ("peak", 30.0 * BYTES_PER_GIBIBYTE)])
    assert [text.get_va() for text in axes.texts] == ["bottom", side]


def test_gpus_with_memory_of_their_own_have_a_panel_for_it() -> None:
    """The scale of a host's memory does not flatten the GPU's."""
    record = RECORDS["two_h100"]()
    trace = Trace(
        quantity="gpu_process_memory",
        unit="bytes",
        source="nvml:compute_running_processes",
        session=0,
        device=0,
        reduction="maximum",
        points=((0.0, 40.0 * BYTES_PER_GIBIBYTE), (6000.0, 42.0 * BYTES_PER_GIBIBYTE)),
    )
    figure = draw_power_and_memory(replace(record, traces=(*record.traces, trace)))
    assert [axes.get_ylabel() for axes in figure.axes] == ["GPU power (W)", "GPU memory (GiB)", "memory in use (GiB)"]
    assert "total 80.0 GiB" in texts(figure)


def test_no_power_leaves_only_memory() -> None:
    """Without a GPU the picture has one panel."""
    assert len(draw_power_and_memory(RECORDS["cpu_only"]()).axes) == 1


def test_a_gap_breaks_the_line() -> None:
    """What nobody saw is not drawn; a usual interval is."""
    times, values = with_gaps(((0.0, 1.0), (1.0, 1.0), (2.0, 1.0), (60.0, 1.0), (61.0, 1.0)))
    assert len(times) == 6
    assert [math.isnan(value) for value in values] == [False, False, False, True, False, False]


def test_sessions_follow_each_other() -> None:
    """The second session's trace and phases begin where the first ended."""
    record = RECORDS["two_sessions"]()
    assert session_offsets(record) == [0.0, 3360.0, 6720.0]
    trace = replace(record.traces[0], session=1, points=((0.0, 50.0), (60.0, 50.0)))
    span = PhaseSpan(phase="evaluation", session=1, begin_seconds=0.0, end_seconds=30.0)
    figure = draw_power_and_memory(replace(record, traces=(trace,), phase_spans=(span,)))
    line = figure.axes[0].get_lines()[0]
    assert list(line.get_xdata()) == pytest.approx([56.0, 57.0])
    assert "resumed" in texts(figure)


def test_hostile_device_names_are_drawn_as_text(tmp_path: Path, recwarn: pytest.WarningsRecorder) -> None:
    """Mathematics markup, line breaks and unknown glyphs in a name neither fail nor warn."""
    record = RECORDS["two_h100"]()
    names = ("$\\frac{1}{", "模型\n\u202ex")
    devices = tuple(replace(d, name=n) for d, n in zip(record.hardware.accelerators, names, strict=True))
    second = replace(record.traces[0], device=1)
    record = replace(record, hardware=replace(record.hardware, accelerators=devices), traces=(record.traces[0], second))
    assert len(draw_pictures(record, tmp_path)) == 2
    assert not recwarn.list


def test_alt_text_tells_the_main_figures() -> None:
    """Who cannot see a picture hears what it shows."""
    assert picture_alt_text(make_record(), LOSS_PICTURE).endswith("lowest held-out loss 1.04 at step 450")
    power = picture_alt_text(make_record(), POWER_PICTURE)
    assert power == (
        "GPU power over 1 h 52 min, up to about 63.0 W; memory in use, at most 61.0 GiB; evaluation and saving shaded"
    )
