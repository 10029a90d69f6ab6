"""``cardcallback render --card`` while the run goes on: what it fills stays ours at the run's next write."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from folder_cards import HEADING, PERSONS_CARD, RUN_ID, TRL_CARD, open_folder, record_of
from other_process import living_beside

from cardcallback.cli import main
from cardcallback.record import RunRecord, load_run
from cardcallback.run_folder import RunFolder

TO_FILL = """# Our model

## Environmental Impact

- **Hardware Type:** [More Information Needed]
- **Hours used:** [More Information Needed]
"""
BODIES = [None, TRL_CARD, PERSONS_CARD, TO_FILL]


def _at(seconds: float, **fields: Any) -> RunRecord:
    return record_of(RUN_ID, duration_seconds=seconds, **fields)


def _begun(folder: Path, body: str | None) -> RunFolder:
    folder.mkdir()
    if body is not None:
        (folder / "README.md").write_text(body)
    return open_folder(folder)


def _render(folder: Path, *options: str, code: int = 0) -> None:
    with pytest.raises(SystemExit) as stop:
        main(["render", str(folder), "--card", str(folder / "README.md"), *options])
    assert int(stop.value.code or 0) == code


def _completed(run: RunFolder) -> str:
    """The card as the run leaves it in the end."""
    run.weights_are_ours()
    run.notice_edits()
    run.write_card(_at(9000.0), pictures=False)
    return run.card_path.read_text()


@pytest.mark.parametrize("body", BODIES)
@pytest.mark.parametrize("had_card", [True, False])
def test_the_run_ends_with_the_card_it_would_have_had(tmp_path: Path, body: str | None, *, had_card: bool) -> None:
    """Whether it had written a card before or not, and whosever the card was."""
    cards = []
    for name in ("left alone", "rendered"):
        run = _begun(tmp_path / name, body)
        run.write_record(_at(1000.0, status="running"))
        if had_card:
            card = run.write_card(_at(1000.0, status="running"), pictures=False).card
            run.write_record(_at(1000.0, status="running", card=card))
        if name == "rendered":
            _render(tmp_path / name, "--location", "DE")
            assert HEADING in run.card_path.read_text()
        cards.append(_completed(run))
        kept = tmp_path / name / "_cardcallback" / "original_card.md"
        # Nothing else is kept as a person's words.
        assert (kept.read_text() if kept.exists() else None) == (body if body in {PERSONS_CARD, TO_FILL} else None)
    assert cards[0] == cards[1]
    assert "2 h 30 min" in cards[1]


def test_a_persons_edit_before_the_rendering_stays(tmp_path: Path) -> None:
    """The run did not know it yet: its words stay, and the values rendered into it are still ours."""
    run = _begun(tmp_path / "out", TO_FILL)
    run.write_card(_at(3600.0, status="running"), pictures=False)
    run.write_record(_at(3600.0, status="running"))
    edited = run.card_path.read_text().replace("# Our model", "# Our model, renamed")
    run.card_path.write_text(edited)
    _render(tmp_path / "out")
    text = _completed(run)
    assert "# Our model, renamed" in text
    assert "**Hours used:** 2.5" in text
    assert text.count(HEADING) == 1


def test_another_template_that_was_rendered_stays(tmp_path: Path) -> None:
    """It was asked for by hand, later than what the run knows; its values go on being ours."""
    template = tmp_path / "template.md"
    template.write_text("# By hand\n\n## Environmental Impact\n\n- **Hours used:** [More Information Needed]\n")
    run = _begun(tmp_path / "out", TRL_CARD)
    run.write_card(_at(3600.0, status="running"), pictures=False)
    run.write_record(_at(3600.0, status="running"))
    _render(tmp_path / "out", "--template", str(template))
    text = _completed(run)
    assert "# By hand" in text
    assert "**Hours used:** 2.5" in text


def test_it_says_that_the_run_goes_on(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Its next card is of the place that the run was given; after the end nothing is said."""
    run = _begun(tmp_path / "out", TRL_CARD)
    run.write_record(_at(1000.0, status="running"))
    with living_beside(tmp_path / "out", RUN_ID):
        _render(tmp_path / "out", "--location", "DE")
    assert "the run still goes on" in capsys.readouterr().err
    _render(tmp_path / "out")
    assert capsys.readouterr().err == ""


def test_a_record_that_the_run_wrote_meanwhile_stays(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The newer one is whole, the card is as it was, and one line says so."""
    run = _begun(tmp_path / "out", TRL_CARD)
    run.write_record(_at(1000.0, status="running"))
    from cardcallback.cli import render as command  # noqa: PLC0415 - the module behind the command's name

    composed = command._composed

    def ending(*arguments: Any, **options: Any) -> Any:
        run.weights_are_ours()
        run.write_record(_at(9000.0))
        return composed(*arguments, **options)

    monkeypatch.setattr(command, "_composed", ending)
    _render(tmp_path / "out", code=1)
    assert capsys.readouterr().err.startswith("cardcallback: record.json was written by its run just now")
    assert load_run(tmp_path / "out").status == "completed"
    assert run.card_path.read_text() == TRL_CARD
