"""What runs cost by the prices a person gives, and when an owned machine is cheaper."""

from __future__ import annotations

import msgspec
import pytest
from compared import run_on, with_system

from cardcallback import compare_runs
from cardcallback.compare import CostInput
from cardcallback.errors import CardCallbackError

H100, GB10 = "NVIDIA H100 80GB HBM3", "NVIDIA GB10"


def prices(**changes: object) -> CostInput:
    """An owned machine A beside a rented one B; ``changes`` replace."""
    given: dict[str, object] = {
        "electricity_price_per_kilowatt_hour": 0.3,
        "hourly_price": {"B": 3.0},
        "purchase_price": {"A": 4000.0},
        "life_years": {"A": 3.0},
        "idle_watts": {"A": 30.0},
        "powered_on_hours": {"A": 8766.0},
    }
    return CostInput(**(given | changes))  # type: ignore[arg-type]


def test_each_cost_by_its_own_price() -> None:
    """107 Wh at 0.30 a kWh; 6,720 s at 3.00 an hour; 4,000 over three years."""
    found = compare_runs([run_on(GB10, "s"), run_on(H100, "h")], prices=prices())
    owned, rented = found.costs
    assert owned.electricity == pytest.approx(0.107 * 0.3)
    assert owned.energy_name == "gpu"
    assert owned.rent is None
    assert rented.rent == pytest.approx(6720 / 3600 * 3.0)
    assert owned.purchase_share == pytest.approx(4000 * (6720 / 3600) / (3 * 8766))


def test_a_purchase_price_without_a_life_says_what_it_lacks() -> None:
    """Instead of nothing at all."""
    given = CostInput(purchase_price={"A": 4000.0})
    owned = compare_runs([run_on(GB10, "s"), run_on(H100, "h")], prices=given).costs[0]
    assert (owned.purchase_share, owned.purchase_reason) == (None, "give --life-years A=...")


def test_break_even_counts_what_the_machine_draws_idle() -> None:
    """Purchase and idle energy over life, against what each rented run costs more than the electricity of one."""
    spark = with_system(run_on(GB10, "s"), 2.0)
    found = compare_runs([spark, run_on(H100, "h")], prices=prices())
    hours = 6720 / 3600
    idle = 0.030 * 0.3
    saved = 3.0 * hours - (2 * 0.107 * 0.3 - idle * hours)
    assert found.break_even[0].runs == pytest.approx((4000 + idle * 3 * 8766) / saved)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"powered_on_hours": {}}, "--powered-on-hours A=..."),
        ({"idle_watts": {}}, "--idle-watts A=..."),
        ({"hourly_price": {"B": 0.001}}, "never"),
        ({"powered_on_hours": {"A": 1.0}}, "not within its life"),
        ({"idle_watts": {"A": 200.0}}, "said to draw 200 W idle, and drew 115 W over its run"),
    ],
)
def test_without_what_it_needs_there_is_no_break_even(changes: dict[str, object], reason: str) -> None:
    """And the reason says what to give, or why there is none."""
    found = compare_runs([with_system(run_on(GB10, "s"), 2.0), run_on(H100, "h")], prices=prices(**changes))
    assert found.break_even[0].runs is None
    assert reason in (found.break_even[0].reason or "")


def test_idle_power_of_a_machine_is_not_taken_from_its_gpus_energy() -> None:
    """Where only the GPU was measured, what a run adds to an idle machine is not known."""
    found = compare_runs([run_on(GB10, "s"), run_on(H100, "h")], prices=prices())
    assert found.break_even[0].runs is None
    assert "whole machine A was not measured" in (found.break_even[0].reason or "")


def test_a_part_of_the_energy_is_priced_as_a_part_or_not_at_all() -> None:
    """A lost device's costs at least that; an energy without some of the job's GPUs has no price."""
    run = run_on(H100, "h")
    gpu = msgspec.structs.replace(run.energy.gpu, coverage=0.6, recording_high=None)
    lost = msgspec.structs.replace(run, energy=msgspec.structs.replace(run.energy, gpu=gpu))
    assert compare_runs([run_on(GB10, "s"), lost], prices=prices()).costs[1].is_part
    partial = msgspec.structs.replace(run, energy=msgspec.structs.replace(run.energy, partial_reason="GPU 1 unread"))
    costs = compare_runs([run_on(GB10, "s"), partial], prices=prices()).costs[1]
    assert (costs.electricity, costs.electricity_reason) == (None, "GPU 1 unread")


def test_other_work_has_no_break_even() -> None:
    """A run of other work replaces none of this."""
    other = run_on(H100, "h", status="interrupted")
    found = compare_runs([with_system(run_on(GB10, "s"), 2.0), other], prices=prices())
    assert found.break_even[0].reason == "not the same work"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"hourly_price": {"C": 1.0}}, "there are A, B"),
        ({"electricity_price_per_kilowatt_hour": -0.1}, "0 or more"),
        ({"idle_watts": {"A": float("nan")}}, "0 or more"),
        ({"powered_on_hours": {"A": 9000.0}}, "at most 8,766"),
        ({"life_years": {"A": 0.0}}, "more than 0 and at most 100"),
        ({"idle_watts": {"A": 1e9}}, "at most 1,000,000"),
        ({"hourly_price": {"B": 1e308}}, "at most 1,000,000,000,000"),
        ({"purchase_price": {}}, r"give --purchase-price A=\.\.\. too"),
    ],
)
def test_prices_that_make_no_sense_are_refused(changes: dict[str, object], message: str) -> None:
    """One line that names the option."""
    with pytest.raises(CardCallbackError, match=message):
        compare_runs([run_on(GB10, "s"), run_on(H100, "h")], prices=prices(**changes))
