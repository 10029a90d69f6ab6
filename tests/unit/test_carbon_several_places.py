"""A run whose sessions were in different places: each one's energy by its own grid, and what is said of it."""

from __future__ import annotations

import functools
import json
import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from node_records import node_record
from session_records import emitting, placed, session_record

from cardcallback.assemble import with_carbon
from cardcallback.carbon import (
    assess_footprint,
    assess_run,
    chosen_factor,
    factor_for,
    find_place,
    market_factor,
    reassessed,
)
from cardcallback.check.record_rules import record_findings
from cardcallback.cli.card_options import with_carbon as with_given
from cardcallback.compare import compare_runs
from cardcallback.errors import CardCallbackError
from cardcallback.impact import EnvironmentalImpact
from cardcallback.journal.recovering import Newest, interrupted_record
from cardcallback.processes import merge_nodes, summarize_node
from cardcallback.processes.summary import decode_summary, encode_summary
from cardcallback.record import Accelerator, Carbon, Energy, Hardware, Machine, RunRecord, decode, encode
from cardcallback.render.card.earlier_emissions import earlier_carbon, is_own_emissions
from cardcallback.render.card.emissions import emissions_metadata
from cardcallback.render.card.front_matter import split_card
from cardcallback.render.card.values import card_values
from cardcallback.render.section import render_section
from cardcallback.sessions import SUMMARY_NAME, earlier_sessions, joined_sessions, with_longer_accounts
from cardcallback.trackers import run_summary

JOULES_PER_KILOWATT_HOUR = 3.6e6
WATT_HOUR = 3600.0
SWEDEN, GERMANY = (factor_for(find_place(code)).grams_per_kwh for code in ("SE", "DE"))


def of_hours(watt_hours: float, number: int, **details: object) -> RunRecord:
    """One session after the other, each of a hundred steps."""
    first = 100 * (number - 1)
    return session_record(
        watt_hours * WATT_HOUR, doubt=36.0, steps=(first, first + 100), session_id=f"s{number}", **details
    )


def on(record: RunRecord, name: str) -> RunRecord:
    """The same on a machine and a device of that name."""
    session = record.sessions[0]
    devices = tuple(replace(device, name=name) for device in session.hardware.accelerators)
    hardware = Hardware(accelerators=devices, machine=Machine(name=name))
    return replace(record, hardware=hardware, sessions=(replace(session, hardware=hardware),))


def joined(*parts: RunRecord) -> RunRecord:
    """The run as it is written: its sessions joined, and the CO2e of their sum."""
    return with_carbon(functools.reduce(joined_sessions, parts))


def carbon_of(record: RunRecord) -> Carbon:
    """The CO2e, which must be there."""
    assert record.carbon is not None
    return record.carbon


def two_places() -> RunRecord:
    """3 Wh in Sweden yesterday, 5 Wh in Germany today."""
    return joined(emitting(of_hours(3, 1), "SE"), placed(of_hours(5, 2), "DE"))


def contradictions(record: RunRecord) -> list[str]:
    """What a reviewer finds wrong in the record's CO2e."""
    return [one.what for one in record_findings(record) if "carbon" in one.what]


def row(record: RunRecord) -> str:
    """The section's line of CO2e."""
    return next(line for line in render_section(record).splitlines() if line.startswith("| CO2e"))


places = st.sampled_from(["SE", "DE", "FR", "US-CA", "IN"])


@given(st.lists(st.tuples(st.floats(1.0, 1e4), places, st.floats(0.0, 3.0)), min_size=1, max_size=5))
@settings(max_examples=30)
def test_emissions_are_the_sum_of_the_sessions_own(parts: list[tuple[float, str, float]]) -> None:
    """Energy times factor of each, with its bounds likewise; the mean factor times the whole energy is the same."""
    run = joined(*(placed(session_record(joules, doubt=doubt), code) for joules, code, doubt in parts))
    carbon = carbon_of(run)
    factors = [factor_for(find_place(code)).grams_per_kwh for _, code, _ in parts]
    for sign, bound in enumerate((carbon.recording_low_grams, carbon.emissions_grams, carbon.recording_high_grams), -1):
        each = zip(parts, factors, strict=True)
        truth = sum((joules + sign * doubt) * factor for (joules, _, doubt), factor in each)
        assert bound == pytest.approx(truth / JOULES_PER_KILOWATT_HOUR)
    product = carbon.energy_joules / JOULES_PER_KILOWATT_HOUR * carbon.factor.grams_per_kwh
    assert carbon.emissions_grams == pytest.approx(product)
    assert carbon.energy_joules == pytest.approx(run.energy.gpu.value)
    assert bool(carbon.shares) == (len({code for _, code, _ in parts}) > 1)
    assert not contradictions(run)


def test_shares_that_do_not_add_up_are_found() -> None:
    """A changed share contradicts the sum, and a changed energy the run's."""
    carbon = carbon_of(two_places())
    shares = (replace(carbon.shares[0], emissions_grams=9.0), carbon.shares[1])
    assert contradictions(replace(two_places(), carbon=replace(carbon, shares=shares)))
    assert contradictions(replace(two_places(), carbon=replace(carbon, energy_joules=1.0)))
    assert not contradictions(two_places())


def test_each_session_keeps_its_grid_through_the_file() -> None:
    """Place, year, boundary and source as they were known in the session, and the shares of the sum."""
    run = decode(encode(two_places()).encode()).record
    assert [session.factor and session.factor.place for session in run.sessions] == ["Sweden", "Germany"]
    assert all(session.factor is not None and session.factor.source for session in run.sessions)
    assert [(share.sessions, share.energy_joules) for share in carbon_of(run).shares] == [
        ((0,), 3 * WATT_HOUR),
        ((1,), 5 * WATT_HOUR),
    ]


def test_the_card_says_which_place_has_which_energy_in_one_line() -> None:
    """Both products stand in the row, and the values for templates and trackers name both places."""
    told = row(two_places())
    assert f"3.00 Wh × {SWEDEN:.3g} g/kWh (session 1: Sweden" in told
    assert f"+ 5.00 Wh × {GERMANY:.3g} g/kWh (session 2: Germany" in told
    values = card_values(two_places())
    assert values["region"] == "Sweden; Germany"
    assert "3.00 Wh of session 1 in Sweden" in values["carbon_emitted"]
    summary = run_summary(two_places())
    assert summary.numbers["co2e_grams"] == pytest.approx((3 * SWEDEN + 5 * GERMANY) / 1000)
    assert "5.00 Wh of session 2 in Germany" in summary.texts["co2e_covers"]


def test_only_what_the_row_cites_is_among_the_references() -> None:
    """The mean factor is in no row: its source would be a reference that nothing refers to."""
    section = render_section(two_places())
    numbers = {int(number) for number in re.findall(r"\\\[(\d+)\\\]", row(two_places()))}
    assert len(numbers) == 1
    assert "mean of the sessions' own" not in section
    listed = re.findall(r"^- \\\[(\d+)\\\]", section, flags=re.MULTILINE)
    assert all(re.search(rf"(?<!^- )\\\[{number}\\\]", section, flags=re.MULTILINE) for number in listed)


def test_energies_of_places_are_the_least_where_the_runs_is() -> None:
    """As the energy's own row says, which is not of all the time."""
    parts = [replace(one, energy=_of_a_part(one)) for one in (of_hours(3, 1), of_hours(5, 2))]
    parts = [replace(one, sessions=(replace(one.sessions[0], energy=one.energy),)) for one in parts]
    told = row(joined(placed(parts[0], "SE"), placed(parts[1], "DE")))
    assert "calculated: at least 3.00 Wh ×" in told


def _of_a_part(record: RunRecord) -> Energy:
    return replace(record.energy, gpu=replace(record.energy.gpu, coverage=0.97))


def test_regions_of_several_clouds_are_each_ones_own() -> None:
    """Both providers, and both regions by their short names."""
    values = card_values(joined(emitting(of_hours(3, 1), "gcp/us-central1"), placed(of_hours(5, 2), "aws/us-east-1")))
    assert values["cloud_provider"] == "Google Cloud, Amazon Web Services"
    assert values["cloud_region"] == values["region"] == "us-central1; us-east-1"
    assert "cloud_region" not in card_values(
        joined(emitting(of_hours(3, 1), "gcp/us-central1"), placed(of_hours(5, 2), "DE"))
    )


def test_front_matter_of_several_places_is_one_figure_that_we_know_again() -> None:
    """Its own product is its grams, and both places are in it."""
    value = emissions_metadata(two_places(), None)
    assert value is not None
    assert value["emissions"] == pytest.approx((3 * SWEDEN + 5 * GERMANY) / 1000, rel=0.05)
    assert value["geographical_location"] == "Sweden; Germany"
    assert is_own_emissions(value)
    assert not is_own_emissions(value | {"emissions": value["emissions"] * 2})


def test_the_places_of_a_card_are_found_again_where_no_record_remembers_them() -> None:
    """By the mean factor in its front matter; one of other grids is a factor of its own."""
    value = emissions_metadata(two_places(), None)
    assert value is not None
    text = f"---\nco2_eq_emissions: {json.dumps(value)}\n---\n# Card\n"
    bare = replace(two_places(), carbon=None)
    assert earlier_carbon(split_card(text), bare) == two_places().carbon
    other = joined(emitting(of_hours(3, 1), "SE"), placed(of_hours(5, 2), "IN"))
    found = earlier_carbon(split_card(text), replace(other, carbon=None))
    assert found is not None
    assert found.shares == ()


def test_one_place_is_told_as_ever() -> None:
    """Sessions in one place have one factor and no shares."""
    run = joined(emitting(of_hours(3, 1), "SE"), placed(of_hours(5, 2), "SE"))
    assert carbon_of(run).shares == ()
    assert carbon_of(run).factor.place == "Sweden"
    assert "8.00 Wh ×" in row(run)


def test_a_session_whose_place_nobody_told_has_no_share() -> None:
    """On other hardware it may have been anywhere: the figure says what it leaves out, and has no upper bound."""
    run = joined(on(of_hours(3, 1), "DGX Spark"), placed(on(of_hours(5, 2), "H100"), "DE"))
    carbon = carbon_of(run)
    assert carbon.emissions_grams == pytest.approx(5 * GERMANY / 1000)
    assert (carbon.energy_joules, carbon.joules_without_place) == (5 * WATT_HOUR, 3 * WATT_HOUR)
    assert carbon.recording_high_grams is None
    assert carbon.recording_low_grams is not None
    assert "| at least 1.7 g" in row(run)
    assert "; without 3.00 Wh of session 1, whose place was not told" in row(run)
    assert "per million tokens" not in row(run)
    assert card_values(run)["region"] == "Germany (not known of every session)"
    # What reads the grams alone would take them for the run's.
    assert emissions_metadata(run, None) is None
    assert not contradictions(run)


def test_a_small_share_without_a_place_leaves_the_front_matter() -> None:
    """Below the share of a run that any CO2e may leave out the figure stands for the run, and its source says so."""
    run = joined(on(of_hours(1, 1), "DGX Spark"), placed(on(of_hours(99, 2), "H100"), "DE"))
    value = emissions_metadata(run, None)
    assert value is not None
    assert "at least 99.0 Wh" in value["source"]
    assert "without 1.00 Wh of session 1, whose place was not told" in value["source"]


def test_a_place_told_once_is_assumed_on_hardware_of_the_same_kind_and_said_so() -> None:
    """Nothing speaks against it; one on hardware that nobody knows is not taken to have been there."""
    run = joined(of_hours(3, 1), placed(of_hours(5, 2), "DE"))
    assert carbon_of(run).emissions_grams == pytest.approx(8 * GERMANY / 1000)
    assert [share.assumed for share in carbon_of(run).shares] == [True, False]
    assert "session 1, whose place was not told: taken for the same" in row(run)
    unknown = on(of_hours(3, 1), "")
    nothing = replace(unknown.sessions[0], hardware=Hardware())
    run = joined(replace(unknown, sessions=(nothing,)), placed(replace(of_hours(5, 2), hardware=Hardware()), "DE"))
    assert carbon_of(run).joules_without_place == 3 * WATT_HOUR


def test_two_places_tell_nothing_of_a_third_session() -> None:
    """Where the others differ there is no place to assume."""
    run = joined(placed(of_hours(3, 1), "SE"), placed(of_hours(5, 2), "DE"), of_hours(2, 3))
    assert carbon_of(run).joules_without_place == 2 * WATT_HOUR


def test_no_place_in_any_session_is_no_figure() -> None:
    """And no note about it either: the row says how to set one."""
    run = joined(of_hours(3, 1), of_hours(5, 2))
    assert run.carbon is None
    assert not [note for note in run.notes if "CO2e" in note]
    assert "set the place" in row(run)


def test_a_place_given_afterwards_stands_for_all_sessions_and_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    """The sessions' own stay in the record; an overhead alone changes no place."""
    given = with_given(two_places(), factor=chosen_factor("FR", None), pue=None, market_intensity=None)
    assert carbon_of(given).shares == ()
    assert carbon_of(given).factor.place == "France"
    assert "Sweden, Germany" in capsys.readouterr().err
    assert "given afterwards for all sessions, which were in Sweden and Germany by their own account" in row(given)
    assert [session.factor and session.factor.place for session in given.sessions] == ["Sweden", "Germany"]
    # It stays when the figures are calculated again, and when only the overhead is given.
    assert carbon_of(reassessed(given, given.carbon)).factor.place == "France"
    assert carbon_of(with_given(given, factor=None, pue=1.2, market_intensity=None)).factor.place == "France"
    kept = with_given(two_places(), factor=None, pue=1.2, market_intensity=None)
    assert carbon_of(kept).shares == carbon_of(two_places()).shares
    # A correction of the one place that a run had needs no such words.
    alone = joined(placed(of_hours(3, 1), "SE"))
    assert "afterwards" not in row(with_given(alone, factor=chosen_factor("FR", None), pue=None, market_intensity=None))


def test_the_sessions_own_places_come_back(capsys: pytest.CaptureFixture[str]) -> None:
    """After one was given for all, with the overheads that were known in them; a contract's factor stays."""
    places = {"factor": None, "pue": None, "market_intensity": None}
    assert with_given(two_places(), **places, own_places=True) == two_places()
    given = with_given(two_places(), factor=chosen_factor("FR", None), pue=1.4, market_intensity=20.0)
    back = with_given(given, **places, own_places=True)
    assert carbon_of(back).shares == carbon_of(two_places()).shares
    market = carbon_of(back).market_factor
    assert market is not None
    assert market.grams_per_kwh == 20.0
    assert "afterwards" not in row(back)
    assert "--own-places" in capsys.readouterr().err


def test_only_places_that_were_told_come_back() -> None:
    """Of older records there are none, and beside a place it would say nothing."""
    places = {"factor": None, "pue": None, "market_intensity": None}
    older = functools.reduce(joined_sessions, [of_hours(3, 1), of_hours(5, 2)])
    with pytest.raises(CardCallbackError, match="no session of this run was told a place"):
        with_given(older, **places, own_places=True)
    with pytest.raises(CardCallbackError, match="leave --location"):
        with_given(two_places(), **places | {"factor": chosen_factor("FR", None)}, own_places=True)


@pytest.mark.parametrize("told", ["SE", None])
def test_a_resume_says_that_a_given_place_stands_no_more(tmp_path: Path, told: str | None) -> None:
    """It was given for the record in the folder, not for the checkpoint's; a session without one keeps it."""
    begun = of_hours(3, 1, status="interrupted")
    begun = begun if told is None else emitting(begun, told)
    checkpoint = tmp_path / "checkpoint-100"
    checkpoint.mkdir()
    (checkpoint / SUMMARY_NAME).write_text(encode(begun))
    (tmp_path / "training_run").mkdir()
    rendered = with_given(begun, factor=chosen_factor("FR", None), pue=None, market_intensity=None)
    (tmp_path / "training_run" / "record.json").write_text(encode(rendered))
    lineage = earlier_sessions(checkpoint, tmp_path, step=100)
    run = with_carbon(lineage.joined(placed(of_hours(5, 2), "DE")))
    assert [session.factor and session.factor.place for session in run.sessions] == [
        "France" if told is None else "Sweden",
        "Germany",
    ]
    assert [("France" in note, "unless it is given again" in note) for note in lineage.notes] == (
        [] if told is None else [(True, True)]
    )


def test_what_was_said_of_one_factor_for_all_is_of_the_sessions_then() -> None:
    """A record of a version before each session kept its own goes on in a place of its own."""
    note = "An earlier session had a grid of 36 g/kWh (A), a later one of 56 g/kWh (B): the CO2e takes one for "
    older = replace(functools.reduce(joined_sessions, [of_hours(3, 1), of_hours(5, 2)]), notes=(f"{note}all of them.",))
    run = joined(older, placed(of_hours(2, 3), "DE"))
    assert [one for one in run.notes if one.startswith("An earlier session")] == [f"{note}sessions 1 and 2."]


def test_records_without_places_of_their_sessions_render_as_they_were() -> None:
    """An older record has one factor for all; what goes on from it takes that for its sessions' own."""
    older = functools.reduce(joined_sessions, [of_hours(3, 1), of_hours(5, 2)])
    older = replace(older, carbon=assess_footprint(older.energy, chosen_factor("SE", None)).carbon)
    assert f"8.00 Wh × {SWEDEN:.3g} g/kWh (Sweden" in row(older)
    assert carbon_of(reassessed(older, older.carbon)).emissions_grams == pytest.approx(8 * SWEDEN / 1000)
    on_now = joined(older, placed(of_hours(2, 3), "DE"))
    assert carbon_of(on_now).emissions_grams == pytest.approx((8 * SWEDEN + 2 * GERMANY) / 1000)


def test_a_longer_account_keeps_the_place_that_either_tells() -> None:
    """A checkpoint's record and the folder's, which was rendered for a place meanwhile, tell of one session."""
    checkpoint = of_hours(3, 1, status="interrupted")
    longer = of_hours(4, 1, status="interrupted", seconds=120.0)
    rendered = replace(longer, carbon=assess_footprint(longer.energy, chosen_factor("SE", None)).carbon)
    for record, others in ((checkpoint, [rendered]), (longer, [replace(checkpoint, carbon=rendered.carbon)])):
        session = with_longer_accounts(record, others, all_sessions=True).sessions[0]
        assert session.energy.gpu.value == 4 * WATT_HOUR
        assert session.factor is not None
        assert session.factor.place == "Sweden"


def test_a_killed_sessions_newest_energy_has_its_own_grid() -> None:
    """The journal's last snapshot holds the places; the lines after it hold more energy of the last session."""
    snapshot = joined(emitting(of_hours(3, 1), "SE"), placed(of_hours(5, 2, status="running"), "DE"))
    figure = (130.0, (7 * WATT_HOUR, 7 * WATT_HOUR - 1, 7 * WATT_HOUR + 1, 1.0))
    newest = Newest(duration_seconds=130.0, suspended_seconds=None, last_step=210, figures={"gpu": figure})
    recovered = interrupted_record(snapshot, newest)
    assert carbon_of(recovered).emissions_grams == pytest.approx((3 * SWEDEN + 7 * GERMANY) / 1000)
    # One that was rendered for another place in the meantime keeps that.
    given = replace(snapshot, carbon=assess_footprint(snapshot.energy, chosen_factor("FR", None)).carbon)
    assert carbon_of(interrupted_record(given, newest)).factor.place == "France"


def test_a_killed_session_whose_energy_was_known_too_late_for_its_snapshot_has_its_grid() -> None:
    """The snapshot of a run's begin may be without CO2e, since its energy covers too little of the time until then."""
    begin = with_carbon(placed(of_hours(0.001, 1, status="running", coverage=0.5), "DE"))
    assert begin.carbon is None
    figure = (130.0, (7 * WATT_HOUR, 7 * WATT_HOUR - 1, 7 * WATT_HOUR + 1, 1.0))
    newest = Newest(duration_seconds=130.0, suspended_seconds=None, last_step=210, figures={"gpu": figure})
    recovered = interrupted_record(begin, newest)
    assert carbon_of(recovered).emissions_grams == pytest.approx(7 * GERMANY / 1000)
    assert not [note for note in recovered.notes if "CO2e" in note]


def test_a_computer_in_another_place_is_told() -> None:
    """Its energy is in the sum by the factor of rank 0's computer; in the same place there is nothing to tell."""
    first, second = placed(node_record(range(8)), "SE"), placed(node_record(range(8, 16)), "DE")
    told = [note for note in merge_nodes(first, [second]).notes if "told to be" in note]
    assert len(told) == 1
    assert told[0].startswith("Computers of ranks 8 to 15 were told to be in Germany (344 g/kWh): CO2e of a session")
    passed_on = decode_summary(encode_summary(summarize_node(second)))
    assert told[0] in merge_nodes(first, [passed_on]).notes
    alike = placed(second, "SE")
    assert not [note for note in merge_nodes(first, [alike]).notes if "told to be" in note]
    (untold,) = [note for note in merge_nodes(node_record(range(8)), [second]).notes if "told to be" in note]
    assert untold.endswith("takes the place of rank 0's computer, which was told none.")


def test_overhead_is_each_buildings_own_where_all_are_known() -> None:
    """Of whole machines; where one session's is unknown, none is applied, and nothing is to the GPU's energy alone."""

    def whole_machine(record: RunRecord) -> RunRecord:
        energy = replace(record.energy, system=replace(record.energy.gpu, coverage=1.0))
        return replace(record, energy=energy, sessions=(replace(record.sessions[0], energy=energy),))

    first, second = whole_machine(of_hours(3, 1)), whole_machine(of_hours(5, 2))
    run = joined(placed(first, "SE", pue=1.1), placed(second, "DE", pue=1.5))
    carbon = carbon_of(run)
    assert carbon.emissions_grams == pytest.approx((3 * 1.1 * SWEDEN + 5 * 1.5 * GERMANY) / 1000)
    assert carbon.pue == pytest.approx((3 * 1.1 + 5 * 1.5) / 8)
    assert not contradictions(run)
    assert "by session: 1.10 and 1.50" in row(run)
    half = carbon_of(joined(placed(first, "SE", pue=1.1), placed(second, "DE")))
    assert half.emissions_grams == pytest.approx((3 * SWEDEN + 5 * GERMANY) / 1000)
    assert half.pue is None
    assert "not applied" in (half.pue_source or "")
    gpu = carbon_of(joined(placed(of_hours(3, 1), "SE", pue=1.1), placed(of_hours(5, 2), "DE", pue=1.5)))
    assert "not applied" in (gpu.pue_source or "")
    assert gpu.emissions_grams == pytest.approx((3 * SWEDEN + 5 * GERMANY) / 1000)


def test_a_contract_stands_beside_the_sum() -> None:
    """Its factor multiplies the same energy."""
    carbon = assess_run(two_places(), None, None, market_factor(10.0)).carbon
    assert carbon is not None
    assert carbon.market_emissions_grams == pytest.approx(8 * 10.0 / 1000)
    assert carbon.shares


def test_sessions_whose_energies_are_not_the_runs_give_no_figure() -> None:
    """No place can be given a part of a sum that it is not a part of."""
    run = two_places()
    gpu = replace(run.energy.gpu, value=20 * WATT_HOUR)
    told = assess_run(replace(run, energy=replace(run.energy, gpu=gpu)))
    assert told.carbon is None
    assert "do not add up" in (told.reason or "")


def test_compare_takes_each_ones_own_sum() -> None:
    """With its own interval; boundaries that differ within one run have no ratio with another's."""
    other = replace(joined(placed(of_hours(4, 1), "DE")), run_id="1" * 32)
    own = next(one for one in compare_runs([two_places(), other]).rows if one.name == "emissions_own_factor")
    mixed, carbon = own.cells[0], carbon_of(two_places())
    assert mixed.value == pytest.approx(carbon.emissions_grams)
    assert (mixed.low, mixed.high) == (carbon.recording_low_grams, carbon.recording_high_grams)
    assert "Sweden and Germany" in (mixed.detail or "")
    unlike = joined(placed(of_hours(3, 1), "US-CA"), placed(of_hours(5, 2), "DE"))
    found = next(one for one in compare_runs([unlike, other]).rows if one.name == "emissions_own_factor")
    assert found.ratios[0].value is None
    part = joined(on(of_hours(3, 1), "DGX Spark"), placed(on(of_hours(5, 2), "H100"), "DE"))
    cell = next(one for one in compare_runs([part, other]).rows if one.name == "emissions_own_factor").cells[0]
    assert (cell.bound, cell.high) == ("least", None)


def test_the_impact_of_a_run_in_several_places_is_its_own_sum() -> None:
    """A place that is given there stands for all of it."""
    impact = EnvironmentalImpact.from_record(two_places())
    assert impact.calculate_carbon_kg() == pytest.approx((3 * SWEDEN + 5 * GERMANY) / 1e6)
    assert "(Sweden; Germany, 2024, lifecycle, mean of" in impact.generate_report()
    given = EnvironmentalImpact.from_record(two_places(), location="DE")
    assert "(Germany, 2024" in given.generate_report()
    assert given.calculate_carbon_kg() == pytest.approx(8 * GERMANY / 1e6)
    part = joined(on(of_hours(3, 1), "DGX Spark"), placed(on(of_hours(5, 2), "H100"), "DE"))
    line = next(one for one in EnvironmentalImpact.from_record(part).generate_report().splitlines() if "kg CO2e" in one)
    assert re.search(r"at least [\d.]+ kg CO2e", line)
    assert "0.005 kWh" in line


def test_hardware_of_a_kind_is_told_by_devices_and_machine() -> None:
    """More of the same devices are other hardware, as they are in another room."""
    session = of_hours(5, 2).sessions[0]
    device = session.hardware.accelerators[0]
    twice = replace(session.hardware, accelerators=(device, Accelerator(name=device.name, energy=device.energy)))
    run = joined(of_hours(3, 1), placed(replace(of_hours(5, 2), sessions=(replace(session, hardware=twice),)), "DE"))
    assert carbon_of(run).joules_without_place == 3 * WATT_HOUR
