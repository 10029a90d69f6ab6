"""Every setting of ``CardCallback``: where it may come from, what it may be, and what to do when it is not."""

from __future__ import annotations

import difflib
import os
import sys
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, fields
from functools import partial
from pathlib import Path
from typing import Any

from cardcallback.carbon import OwnFactors, chosen_factor
from cardcallback.errors import CardCallbackError
from cardcallback.record import CarbonFactor
from cardcallback.settings import checks

if sys.version_info >= (3, 11):
    import tomllib
else:
    # Installed only before Python 3.11, so a type checker on a newer one does not find it.
    import tomli as tomllib  # type: ignore[import-not-found, unused-ignore]

SETTINGS_FILE = "cardcallback.toml"
_PREFIX = "CARDCALLBACK_"
_SWITCHES = ("DISABLE", "SIMULATED", "SYSTEM_ROOT")
_CLOSE_ENOUGH = 0.8
_LARGEST_FILE_BYTES = 1024**2


@dataclass(frozen=True, kw_only=True, slots=True)
class Settings:
    """What ``CardCallback`` was asked to do, checked; the last eight fields are none of its arguments.

    ``location`` is the place's code, or its name in ``own_factors``. ``journal_directory`` is a folder on the node's
    own disk for the journal of a run whose output folder is on a slow or shared one; whether it can be there is seen
    when a run begins. ``model_index`` puts the held-out results into the front matter too. ``labels`` is a file of the
    person's own labels for templates, ``carbon_factors`` one of their own grid factors. ``template_text``,
    ``labels_text`` and ``own_factors`` are what these files held at construction. ``disabled`` means that nothing is
    to be measured or written.
    """

    location: str | None = None
    carbon_intensity_grams_per_kwh: float | None = None
    pue: float | None = None
    base_model: str | None = None
    stage: str | None = None
    previous: Path | None = None
    template: Path | None = None
    card: str = "README.md"
    sampling_interval_seconds: float | None = None
    charts: bool = True
    log_metrics: bool = False
    estimate_rest: bool = False
    publish: str = "all"
    quiet: bool = False
    journal_directory: Path | None = None
    model_index: bool = False
    labels: Path | None = None
    carbon_factors: Path | None = None
    template_text: str | None = None
    labels_text: str | None = None
    own_factors: OwnFactors | None = None
    disabled: bool = False

    @property
    def factor(self) -> CarbonFactor | None:
        """The factor to calculate CO2e with: the person's own before the table's; None without either."""
        return chosen_factor(self.location, self.carbon_intensity_grams_per_kwh, self.own_factors)


_CHECKS: Mapping[str, checks.Check] = {
    "location": checks.place,
    "carbon_intensity_grams_per_kwh": checks.carbon_intensity,
    "pue": checks.pue,
    "base_model": checks.hub_id,
    "stage": checks.stage,
    "previous": checks.record_location,
    "template": checks.path,
    "card": checks.card_name,
    "sampling_interval_seconds": checks.interval,
    "charts": checks.flag,
    "log_metrics": checks.flag,
    "estimate_rest": checks.flag,
    "publish": checks.publish,
    "quiet": checks.flag,
    "journal_directory": checks.path,
    "model_index": checks.flag,
    "labels": checks.path,
    "carbon_factors": checks.path,
}
# Of the machine, the person or how their cards look, and not of the run: not to be found in a training script.
_NO_ARGUMENTS = frozenset({"journal_directory", "model_index", "labels", "carbon_factors"})


@dataclass(frozen=True, kw_only=True, slots=True)
class _Source:
    """One place settings come from; ``label`` turns a name into what the person wrote."""

    values: Mapping[str, Any]
    label: str
    folder: Path
    is_text: bool = False


def resolve_settings(
    arguments: Mapping[str, Any],
    *,
    environ: Mapping[str, str],
    working_directory: Path,
    user_config_directory: Path,
) -> Settings:
    """The settings from, in this order, arguments, ``CARDCALLBACK_<NAME>`` and the two settings files.

    Args:
        arguments: only those the person gave; None counts as not given.
        environ: the process's environment; an empty variable counts as not set.
        working_directory: holds ``cardcallback.toml``; relative paths are relative to it.
        user_config_directory: may hold a ``cardcallback.toml`` too; its paths are relative to it.

    Raises:
        CardCallbackError: an unknown name or a bad value, wherever it came from; the message has the cure.
    """
    if is_switched_on(environ, "DISABLE"):
        return Settings(disabled=True)
    _refuse_unknown(arguments, "argument", known=[name for name in _CHECKS if name not in _NO_ARGUMENTS])
    _refuse_misspelt_variables(environ)
    sources = (
        _Source(values=arguments, label="{name}", folder=working_directory),
        *_without_arguments(environ, working_directory, user_config_directory),
    )
    own = _own_factors(sources)
    values = dict(_resolved(sources, {**_CHECKS, "location": partial(checks.place, own=own)}))
    template, labels = values.get("template"), values.get("labels")
    return Settings(
        **values,
        template_text=checks.template_text(template) if template else None,
        labels_text=checks.labels_text(labels) if labels else None,
        own_factors=own,
    )


def own_labels_text(*, environ: Mapping[str, str], working_directory: Path, user_config_directory: Path) -> str | None:
    """The file of the person's own labels, for what has no other setting to ask for; None without one.

    Raises:
        CardCallbackError: it cannot be read, or a settings file is none.
    """
    labels = _own_file("labels", _without_arguments(environ, working_directory, user_config_directory))
    return checks.labels_text(labels) if labels else None


def as_variables(settings: Settings, names: Iterable[str]) -> dict[str, str]:
    """The named settings as the environment that gives them to another process, wherever that works."""
    values = {name: getattr(settings, name) for name in names}
    texts = {name: str(int(value)) if isinstance(value, bool) else str(value) for name, value in values.items()}
    return {_PREFIX + name.upper(): text for name, text in texts.items()}


def settled_names(environ: Mapping[str, str], working_directory: Path) -> set[str]:
    """The settings that this environment or this folder's settings file gives.

    Raises:
        CardCallbackError: the settings file is none.
    """
    return {*_variables(environ), *_read_file(working_directory / SETTINGS_FILE, SETTINGS_FILE)}


def settled_factors(
    *, environ: Mapping[str, str], working_directory: Path, user_config_directory: Path
) -> OwnFactors | None:
    """The person's own grid factors, as ``own_labels_text``.

    Raises:
        CardCallbackError: the file cannot be read or holds what is no factor, or a settings file is none.
    """
    return _own_factors(_without_arguments(environ, working_directory, user_config_directory))


def is_switched_on(environ: Mapping[str, str], name: str) -> bool:
    """Whether ``CARDCALLBACK_<name>`` is on; unset, empty and "0" are off.

    Raises:
        CardCallbackError: neither on nor off.
    """
    given = environ.get(_PREFIX + name, "")
    if not given.strip():
        return False
    return bool(checks.flag(given, checks.Origin(label=_PREFIX + name, folder=Path(), is_text=True)))


def system_root(environ: Mapping[str, str]) -> Path:
    """Where ``proc/`` and ``sys/`` are: ``/``, or a recorded copy, which only a simulation may name."""
    root = environ.get(_PREFIX + "SYSTEM_ROOT")
    return Path(root) if root and is_switched_on(environ, "SIMULATED") else Path("/")


def user_config_directory(environ: Mapping[str, str]) -> Path:
    """The folder of the user's own settings and baselines, whether or not it is there."""
    base = environ.get("XDG_CONFIG_HOME")
    if base and Path(base).is_absolute():
        return Path(base) / "cardcallback"
    home = environ.get("HOME") or os.path.expanduser("~")  # noqa: PTH111 - Path.home() raises without a home
    # A user without a home (some containers) has only the machine's settings.
    return (Path(home) / ".config" if Path(home).is_absolute() else Path("/etc/xdg")) / "cardcallback"


def _resolved(sources: tuple[_Source, ...], wanted: Mapping[str, checks.Check] = _CHECKS) -> Iterator[tuple[str, Any]]:
    for name, check in wanted.items():
        for source in sources:
            value = source.values.get(name)
            if value is not None:
                label = source.label.format(name=name, upper=name.upper())
                yield name, check(value, checks.Origin(label=label, folder=source.folder, is_text=source.is_text))
                break


def _own_file(name: str, sources: tuple[_Source, ...]) -> Path | None:
    return next((value for _, value in _resolved(sources, {name: _CHECKS[name]})), None)


def _own_factors(sources: tuple[_Source, ...]) -> OwnFactors | None:
    factors = _own_file("carbon_factors", sources)
    return checks.own_factors(factors) if factors else None


def _without_arguments(
    environ: Mapping[str, str], working_directory: Path, user_directory: Path
) -> tuple[_Source, ...]:
    """Where settings come from besides arguments."""
    variables = _Source(values=_variables(environ), label=_PREFIX + "{upper}", folder=working_directory, is_text=True)
    return (variables, *_files(working_directory, user_directory))


def _variables(environ: Mapping[str, str]) -> dict[str, str]:
    return {name: text for name in _CHECKS if (text := environ.get(_PREFIX + name.upper(), "")).strip()}


def _files(working_directory: Path, user_directory: Path) -> Iterator[_Source]:
    for folder, label in ((working_directory, SETTINGS_FILE), (user_directory, f"{SETTINGS_FILE} of the user")):
        values = _read_file(folder / SETTINGS_FILE, label)
        _refuse_unknown(values, f"setting in {label}")
        yield _Source(values=values, label=f"{{name}} in {label}", folder=folder)


def _read_file(path: Path, label: str) -> dict[str, Any]:
    try:
        with path.open("rb") as file:
            content = file.read(_LARGEST_FILE_BYTES + 1)
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except OSError as error:
        msg = f"{label} cannot be read ({error.strerror}): mend its permissions or remove it"
        raise CardCallbackError(msg) from error
    if len(content) > _LARGEST_FILE_BYTES:
        msg = f"{label} is larger than any settings file: it holds one `name = value` a line"
        raise CardCallbackError(msg)
    try:
        values: dict[str, Any] = tomllib.loads(content.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        first = (str(error).splitlines() or ["damaged"])[0]
        msg = f"{label} is not TOML ({first}): it holds one `name = value` a line, texts in quotes"
        raise CardCallbackError(msg) from error
    return values


def _refuse_unknown(values: Mapping[str, Any], kind: str, known: Collection[str] = _CHECKS.keys()) -> None:
    for name in values:
        if name not in known:
            msg = f"unknown {kind}: {name!r}; {unknown_cure(name, known)}"
            raise CardCallbackError(msg)


def unknown_cure(name: str, known: Collection[str]) -> str:
    """What to do about a name that is none of ``known``, for the end of a message."""
    if name in _NO_ARGUMENTS:
        return f"set {_PREFIX}{name.upper()}, or {name} in {SETTINGS_FILE}"
    nearest = difflib.get_close_matches(name, known, n=1)
    return f"did you mean {nearest[0]}?" if nearest else f"there are {', '.join(known)}"


def _refuse_misspelt_variables(environ: Mapping[str, str]) -> None:
    known = [_PREFIX + name.upper() for name in (*_CHECKS, *_SWITCHES)]
    for name in environ:
        if not name.startswith(_PREFIX) or name in known:
            continue
        # Other programs may use the prefix for purposes of their own: only a near miss is a mistake.
        nearest = difflib.get_close_matches(name, known, n=1, cutoff=_CLOSE_ENOUGH + 0.1)
        if nearest:
            msg = f"unknown variable {name}: did you mean {nearest[0]}?"
            raise CardCallbackError(msg)


if {field.name for field in fields(Settings)} != {*_CHECKS, "template_text", "labels_text", "own_factors", "disabled"}:
    raise AssertionError  # a setting without a check would be taken as it comes
