"""``cardcallback ls``: sums carry their interval or say "at least", and money is only what the person's prices say."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from found_runs import WATT_HOUR, ls, ls_json, run_record, write_record
from msgspec.structs import replace

from cardcallback.record import RunRecord
from cardcallback.sessions import joined_sessions

NARROW = WATT_HOUR * 0.001
WIDE = WATT_HOUR * 0.3


def _lower_bound_alone(record: RunRecord) -> RunRecord:
    """Nobody knows how much more it used: no upper bound, and a time of which no share can be told."""
    session = record.sessions[0]
    gpu = replace(session.energy.gpu, recording_high=None, coverage=None)
    energy = replace(session.energy, gpu=gpu)
    return replace(record, energy=energy, sessions=(replace(session, energy=energy),))


def _partial(record: RunRecord) -> RunRecord:
    session = record.sessions[0]
    energy = replace(session.energy, partial_reason="rank 1 is not in it")
    return replace(record, energy=energy, sessions=(replace(session, energy=energy),))


def _cells(text: str) -> list[str]:
    """The last cell of each line of the table below its head."""
    return [line.rsplit("  ", 1)[-1] for line in text.splitlines()[1:]]


@pytest.mark.parametrize(
    ("other", "printed", "total"),
    [
        (run_record(2, doubt=NARROW), "1.00 Wh", "2.00 Wh"),
        (run_record(2, doubt=WIDE), "1.00 Wh (0.700 to 1.30 Wh)", "2.00 Wh (1.70 to 2.30 Wh)"),
        (run_record(2, doubt=0.9 * WATT_HOUR), "between 0.100 and 1.90 Wh", "2.00 Wh (1.10 to 2.90 Wh)"),
        (run_record(2, doubt=NARROW, coverage=0.9), "at least 1.00 Wh", "at least 2.00 Wh"),
        (run_record(2, doubt=WIDE, coverage=0.9), "at least 2,520 J", "at least 1.70 Wh"),
        (_lower_bound_alone(run_record(2, doubt=NARROW)), "at least 1.00 Wh", "at least 2.00 Wh"),
        (_partial(run_record(2, doubt=NARROW)), "at least 1.00 Wh", "at least 2.00 Wh"),
        (run_record(2, doubt=NARROW, status="running"), "at least 1.00 Wh", "at least 2.00 Wh"),
        (run_record(2, None), "not measured", "at least 1.00 Wh"),
    ],
)
def test_each_figure_says_how_sure_it_is(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], other: RunRecord, printed: str, total: str
) -> None:
    """Beside a run whose 1 Wh is certain; the sum is never surer than its parts."""
    write_record(tmp_path / "a", run_record(1, doubt=NARROW))
    write_record(tmp_path / "b", other)
    assert _cells(ls(capsys, tmp_path))[:3] == ["1.00 Wh", printed, total]


def test_one_short_part_time_among_long_whole_ones(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Its missing share of the total time is tiny, and the sum lacks its energy all the same."""
    write_record(tmp_path / "a", run_record(1, 1000 * WATT_HOUR, seconds=1e6, doubt=NARROW))
    write_record(tmp_path / "b", run_record(2, doubt=NARROW, seconds=10.0, coverage=0.5))
    assert ls_json(capsys, tmp_path)["sum"]["gpu_energy_is_least"]
    assert _cells(ls(capsys, tmp_path))[2] == "at least 1.00 kWh"


def test_an_interval_is_not_printed_without_the_sensors_accuracy(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Both doubts stand together; where no interval is printed, neither does."""
    write_record(tmp_path / "a", run_record(1, doubt=NARROW))
    assert "accuracy" not in ls(capsys, tmp_path)
    write_record(tmp_path / "b", run_record(2, doubt=WIDE))
    assert "beside them the sensors' own accuracy: not published" in ls(capsys, tmp_path)


def test_the_accuracy_stands_beside_an_interval_that_the_sum_leaves_out(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A simulated run's interval is printed in its line, though the sum of the real ones has no energy."""
    write_record(tmp_path / "real", run_record(1, None))
    write_record(tmp_path / "simulated", replace(run_record(2, doubt=WIDE), simulated=True))
    assert "beside them the sensors' own accuracy: not published" in ls(capsys, tmp_path)


def test_the_known_session_of_a_run_counts(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Of two sessions one was not measured: at least what the other used."""
    first = run_record(1, doubt=NARROW, status="interrupted")
    write_record(tmp_path, joined_sessions(first, run_record(2, None, steps=(100, 200))))
    assert _cells(ls(capsys, tmp_path))[:2] == ["at least 1.00 Wh"] * 2


def test_bounds_are_in_the_data(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Those of the sum are the sums of the bounds; there is no upper one where a part is lacking."""
    write_record(tmp_path / "a", run_record(1, doubt=WIDE))
    write_record(tmp_path / "b", run_record(2, doubt=WIDE))
    total = ls_json(capsys, tmp_path)["sum"]
    assert total["gpu_energy_low_joules"] == pytest.approx(1.4 * WATT_HOUR)
    assert total["gpu_energy_high_joules"] == pytest.approx(2.6 * WATT_HOUR)
    write_record(tmp_path / "c", run_record(3, coverage=0.5))
    assert ls_json(capsys, tmp_path)["sum"]["gpu_energy_high_joules"] is None


@pytest.mark.parametrize("option", ["--price", "--price-per-kwh"])
def test_the_price_of_energy(tmp_path: Path, capsys: pytest.CaptureFixture[str], option: str) -> None:
    """None without a price; with one it is labelled with what it is of."""
    write_record(tmp_path, run_record(1, 5000 * WATT_HOUR, doubt=NARROW))
    assert "cost" not in ls(capsys, tmp_path)
    assert ls_json(capsys, tmp_path)["sum"]["cost"] is None
    given = (option, "0.40", "--currency", "EUR")
    text = ls(capsys, tmp_path, *given)
    assert "energy cost, EUR" in text.splitlines()[0]
    assert _cells(text)[:2] == ["2.00", "2.00"]
    assert "energy cost: the GPUs' energy alone, at your 0.4 EUR per kWh" in text
    assert ls_json(capsys, tmp_path, *given)["sum"]["cost"] == pytest.approx(2.0)


def test_the_price_of_time(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A column of its own, added to nothing; a session that branches share is paid for once."""
    first = run_record(1, status="interrupted", seconds=3600.0)
    for name in ("left", "right"):
        other = run_record(2, seconds=1800.0, steps=(100, 200), session_id=name)
        write_record(tmp_path / name, joined_sessions(first, other))
    text = ls(capsys, tmp_path, "--price-per-hour", "2")
    assert [cell.strip() for cell in _cells(text)[:3]] == ["3.00", "3.00", "4.00"]
    assert "added to no energy cost" in text


@pytest.mark.parametrize(
    ("record", "printed"),
    [
        (run_record(1, 5000 * WATT_HOUR, doubt=2000 * WATT_HOUR), "1.20 to 2.80"),
        (run_record(1, 5000 * WATT_HOUR, coverage=0.5), "at least 2.00"),
    ],
)
def test_a_cost_has_the_doubts_of_its_energy(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], record: RunRecord, printed: str
) -> None:
    """An interval, or the least."""
    write_record(tmp_path, record)
    assert _cells(ls(capsys, tmp_path, "--price", "0.4"))[0] == printed


@pytest.mark.parametrize("price", ["inf", "-1", "cheap"])
@pytest.mark.parametrize("option", ["--price-per-kwh", "--price-per-hour"])
def test_a_price_that_is_none(tmp_path: Path, capsys: pytest.CaptureFixture[str], option: str, price: str) -> None:
    """Refused, not printed."""
    write_record(tmp_path, run_record(1))
    error: Any = ls(capsys, tmp_path, option, price, code=1 if price == "inf" else 2)
    assert "price" in error
