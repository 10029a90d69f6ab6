"""The folded account of how sure the figures are, what they cover and what they leave out."""

from __future__ import annotations

from cardcallback.record import TOKEN_CROSS_ENTROPY, RunRecord, Session, energy_is_least, session_is_least
from cardcallback.render.energy_words import energy_noun
from cardcallback.render.figures import AT_LEAST, absent, energy_figure, is_known
from cardcallback.render.pictures.choice import POWER_PICTURE, picture_address
from cardcallback.render.run_words import held_out_loss_was_no_number, not_finite_notes, plural
from cardcallback.render.section.computers import computer_lines
from cardcallback.render.section.doubts_energy import energy_doubts, scope_lines
from cardcallback.render.section.doubts_machine import other_energy, second_sensors, system_doubts
from cardcallback.render.section.doubts_memory import memory_doubts
from cardcallback.render.section.doubts_phases import phase_doubts
from cardcallback.render.section.machine_state import device_lines, health_notes, machine_state
from cardcallback.render.section.references import References
from cardcallback.render.section.stages import stages_doubts
from cardcallback.render.text import escape_markdown, public_reason, sentence
from cardcallback.units import format_duration

_MOST_NOTES = 20
_NOT_CUDA = "The job did not use CUDA: the GPU energy is"
_NO_EMISSIONS = "No CO2e figure: "
# The driver's own names of what its fields count, as in nvml.h.
_NOTED_SOURCES = {
    "nvml:field_269": "the driver's time of software thermal slowdown",
    "nvml:field_270": "the driver's time of hardware thermal slowdown",
    "nvml:field_271": "the driver's time of power brake slowdown",
}


def doubts(record: RunRecord, references: References, pictures: tuple[str, ...]) -> list[str]:
    """A Markdown list that ends with the numbered sources."""
    bullets = [
        ("Energy", energy_doubts(record, references)),
        *scope_lines(record),
        ("Before training", _before_training(record)),
        ("Stages", stages_doubts(record)),
        ("Phases", phase_doubts(record)),
        ("Whole machine", system_doubts(record)),
        ("Other energy", other_energy(record)),
        ("Second sensors", second_sensors(record)),
        ("Held-out loss", _held_out(record)),
        ("Memory", memory_doubts(record)),
        ("Machine state", machine_state(record, _power_picture(pictures))),
        *device_lines(record),
        *computer_lines(record),
        ("Sessions", _sessions(record)),
        ("Notes", _notes(record)),
    ]
    lines = [f"- **{title}.** {text}" for title, text in bullets if text]
    return [*lines, *(f"- {source}" for source in references.listing())]


def _power_picture(pictures: tuple[str, ...]) -> str:
    if POWER_PICTURE not in pictures:
        return ""
    return f"Power and memory over time: [picture]({picture_address(POWER_PICTURE)})."


def _before_training(record: RunRecord) -> str:
    before = record.energy.before_training
    excluded = "loading, tokenising; not in the figures above"
    if before.value is None:
        return f"Energy of what came before ({excluded}) was {absent(before)}."
    window = before.window
    time = ""
    if window and window.begin_seconds is not None and window.end_seconds is not None:
        time = f"{format_duration(max(0.0, window.end_seconds - window.begin_seconds))}, "
    energy = f"{energy_figure(before)} of {energy_noun(record)} energy"
    return f"{time}{energy} from when the callback was made until training began ({excluded})."


def _held_out(record: RunRecord) -> str:
    after = record.evaluation.after or record.evaluation.before
    if after is None or after.perplexity is not None:
        return ""
    if after.loss is None and held_out_loss_was_no_number(record):
        return "No perplexity: the loss was not a number."
    if after.kind is None:
        return "No perplexity: what kind of loss this is was not recorded."
    if after.kind == TOKEN_CROSS_ENTROPY:
        return "No perplexity: it was not recorded."
    return f"No perplexity: the loss is {escape_markdown(after.kind)}, not token cross-entropy."


def _sessions(record: RunRecord) -> str:
    if len(record.sessions) < 2:
        return ""
    return "; ".join(_session(number, session, record) for number, session in enumerate(record.sessions, start=1)) + "."


def _session(number: int, session: Session, record: RunRecord) -> str:
    begun = escape_markdown(session.started_on)
    steps = f"steps {session.first_step:,} to {session.last_step:,}"
    least = AT_LEAST if session_is_least(session) else ""
    used = AT_LEAST if energy_is_least(session.energy.gpu, [session]) else ""
    figure = energy_figure(session.energy.gpu, beside_joules=record.energy.gpu.value, least=used)
    energy = f"{energy_noun(record)} energy {figure}"
    time = f"{least}{format_duration(session.duration_seconds)}"
    return f"{number}: {begun}, {steps}, {time}, {energy}, {session.status}"


def _notes(record: RunRecord) -> str:
    told = {*not_finite_notes(record), *health_notes(record)}
    untold = [note for note in record.notes if note not in told and not _is_told_or_untrue(record, note)]
    notes = [sentence(public_reason(_in_words(note))) for note in untold[:_MOST_NOTES]]
    more = len(untold) - len(notes)
    if more > 0:
        notes.append(f"{plural(more, 'more note')} in the record.")
    return " ".join(notes)


def _is_told_or_untrue(record: RunRecord, note: str) -> bool:
    """A note about a GPU energy that is not there, and the reason that the CO2e row gives already."""
    claims_energy = note.startswith(_NOT_CUDA) and not is_known(record.energy.gpu)
    return claims_energy or (note.startswith(_NO_EMISSIONS) and record.carbon is None)


def _in_words(note: str) -> str:
    """A note that begins with sensors' sources, with those that are no news in words."""
    sources, found, rest = note.partition(": ")
    for source, words in _NOTED_SOURCES.items():
        sources = sources.replace(source, words)
    return f"{sources}{found}{rest}" if found else note
