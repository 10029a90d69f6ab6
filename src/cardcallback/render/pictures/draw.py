"""The run's pictures as PNG files. matplotlib is loaded only here, and only to draw."""

from __future__ import annotations

import io
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, cast

from cardcallback.record import RunRecord
from cardcallback.render.lettered import lettered
from cardcallback.render.pictures.choice import LOSS_PICTURE, pictures_of
from cardcallback.render.pictures.loss import draw_loss
from cardcallback.render.pictures.power import draw_power_and_memory
from cardcallback.render.pictures.style import DOTS_PER_INCH, STYLE, mark_simulated
from cardcallback.units import BYTES_PER_MEBIBYTE
from cardcallback.writing import read_ordinary, write_bytes_atomically

# Far more than a picture of ours has.
_LARGEST_BYTES = 64 * BYTES_PER_MEBIBYTE

if TYPE_CHECKING:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure


def draw_pictures(
    record: RunRecord, folder: Path, *, turn: Callable[[], AbstractContextManager[None]] = nullcontext
) -> tuple[Path, ...]:
    """Write every picture of ``pictures_of(record)`` into ``folder``, which must exist.

    The same record gives the same bytes with the same matplotlib. Neither a person's matplotlib settings
    nor pyplot's figures are used or changed.

    Args:
        record: what to show.
        folder: where the pictures lie.
        turn: what each is written in, once it is drawn; raises where it is not to be written any more.

    Returns:
        The files, in the order of the card; none where there is nothing to draw.

    Raises:
        CardCallbackError: a file cannot be written, or somebody else wrote it meanwhile.
        ImportError: matplotlib cannot be loaded.
    """
    record = lettered(record)
    return tuple(_draw(record, folder / name, turn) for name in pictures_of(record))


def _draw(record: RunRecord, path: Path, turn: Callable[[], AbstractContextManager[None]]) -> Path:
    draw = draw_loss if path.name == LOSS_PICTURE else draw_power_and_memory
    save_picture(path, lambda: draw(record), simulated=record.simulated, turn=turn)
    return path


def save_picture(
    path: Path,
    draw: Callable[[], Figure],
    *,
    simulated: bool,
    turn: Callable[[], AbstractContextManager[None]] = nullcontext,
) -> None:
    """Write, in its ``turn``, what ``draw`` returns as a PNG file in our style; what is simulated is marked across it.

    Raises:
        CardCallbackError: the file cannot be written, or somebody else wrote it while it was drawn.
    """
    from matplotlib import rc_context, rcParamsDefault  # noqa: PLC0415  loaded only to draw

    # The backend is pyplot's affair, which is not used; setting it would load one.
    defaults = {key: rcParamsDefault[key] for key in rcParamsDefault if not key.startswith("backend")}
    stood = read_ordinary(path, _LARGEST_BYTES)
    with rc_context(defaults | STYLE):
        figure = draw()
        if simulated:
            mark_simulated(figure)
        picture = _png(figure)
    with turn():
        write_bytes_atomically(path, picture, unless_changed_from=stood, waits_for_disk=False)  # it can be drawn again


def _png(figure: Figure) -> bytes:
    """Drawn once: ``savefig`` draws all of it twice where it is laid out by an engine, and copies each pixel twice."""
    from PIL import Image  # noqa: PLC0415  loaded only to draw

    layout, canvas = figure.get_layout_engine(), cast("FigureCanvasAgg", figure.canvas)
    if layout is not None:
        layout.execute(figure)
        figure.set_layout_engine("none")
    canvas.draw()
    buffer = io.BytesIO()
    # The plate is opaque. No text in the file: it would name the matplotlib version, for no visible reason.
    picture = Image.frombuffer("RGBA", canvas.get_width_height(), canvas.buffer_rgba(), "raw", "RGBA", 0, 1)
    picture.convert("RGB").save(buffer, format="png", dpi=(DOTS_PER_INCH, DOTS_PER_INCH))
    return buffer.getvalue()
