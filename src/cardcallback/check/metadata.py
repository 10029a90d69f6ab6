"""The front matter's values: what the Hub refuses, ignores or takes for something else."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

from cardcallback.check.finding import Finding, error, hint, shown
from cardcallback.check.hub_words import hub_words, nearest
from cardcallback.check.reading import CardText
from cardcallback.hub_id import is_hub_checkpoint, is_hub_id
from cardcallback.hub_licences import hub_licences
from cardcallback.render.card.front_matter import key_source, plain
from cardcallback.render.card.names import is_hub_name, looks_local, split_relation_tag

RULE = "metadata"
_FOLDER = re.compile(
    r"^(?:[.~]{0,2}[/\\]|[A-Za-z]:[\\/])|\\|/.*/|^(?:outputs?|checkpoints?|models?|runs|results)/|checkpoint-\d+"
)
_ADDRESS = re.compile(r"^(?:https?://)?(?:www\.)?(?:huggingface\.co|hf\.co)/(?:datasets/)?(?P<id>[^/]+/[^/?#]+)")
# Names of file readers, which ``load_dataset`` takes in place of a data set.
_READERS = frozenset({"json", "csv", "parquet", "text", "generator", "arrow", "pandas", "imagefolder", "audiofolder"})
_UNNAMED = frozenset({"none", "null", "n/a", "unknown", "custom", "local file", ""})
_PLACEHOLDER = re.compile(
    r"\[(?:More Information Needed|Needs More Information|e\.g\.|your)|\{\{|<your|^your[-_ ]|\byour[-_]\w+/|"
    r"^(?:TODO|TBD|XXX+)$",
    re.IGNORECASE,
)
_LANGUAGE = re.compile(r"^[a-z]{2,3}$")
_INDEX_KEYS = {"task": ("type",), "dataset": ("type", "name")}


def value_findings(card: CardText) -> Iterator[Finding]:
    """Findings about every key but the emissions', which have rules of their own."""
    data: dict[str, Any] = {key: plain(value) for key, value in card.data.items()}
    if not data:
        return
    rules: tuple[Callable[[CardText, dict[str, Any]], Iterator[Finding]], ...] = (
        _license,
        _languages,
        _tags,
        _datasets,
        _base_model,
        _relation,
        _library,
        _pipeline,
        _index,
        _placeholders,
    )
    for rule in rules:
        yield from rule(card, data)


def _license(card: CardText, data: dict[str, Any]) -> Iterator[Finding]:
    words = hub_licences()
    if data.get("license") is None:
        yield hint(RULE, None, "the front matter names no license", "add license; without one nobody may use the model")
        return
    line = card.matter_line("license")
    for name in _list(data["license"]):
        if name in words:
            continue
        meant = nearest(str(name).replace(" license", "").replace(" ", "-"), words)
        is_sentence = re.search(r"[\sA-Z]", str(name)) is not None
        cure = f"{meant} may be meant" if meant else "give an id of the Hub's list, or other with license_name"
        say = error if meant or is_sentence or not isinstance(name, str) else hint
        yield say(RULE, line, f"the license {shown(str(name))} is none that the Hub knows", cure)
    if data["license"] == "other" and not data.get("license_name"):
        yield hint(
            RULE, line, "the license is other, and has no name", "add license_name, and license_link or a LICENSE"
        )


def _languages(card: CardText, data: dict[str, Any]) -> Iterator[Finding]:
    words = hub_words()
    known = words.iso_639_1
    for name in _list(data.get("language")):
        line = card.matter_line("language")
        source = key_source(card.matter or "", "language") or ""
        if isinstance(name, bool) or (name == "no" and re.search(r"[:,\[-]\s*no\b", source)):
            yield error(RULE, line, "the language no is read as false", 'quote it: "no"')
        elif not isinstance(name, str) or not (_LANGUAGE.match(name) or name in words.languages):
            cure = "give the code of two or three small letters; en-US and the like belong into language_bcp47"
            yield error(RULE, line, f"{shown(str(name))} is no language code", cure)
        elif len(name) == 2 and name not in known:
            yield error(RULE, line, f"{name} is no language's code", "give the code of ISO 639-1")


def _tags(card: CardText, data: dict[str, Any]) -> Iterator[Finding]:
    tags, line = data.get("tags"), card.matter_line("tags")
    if tags is None:
        return
    if not isinstance(tags, list):
        yield hint(RULE, line, "tags is not a list", "write one tag a line, each after a dash")
        return
    for tag in tags:
        relation = split_relation_tag(tag) if isinstance(tag, str) else None
        if not isinstance(tag, str):
            yield error(RULE, line, f"the tag {shown(str(tag))} is not text", "quote it")
        elif relation is not None and _is_folder(relation[1]):
            yield error(
                "local-path", line, f"a tag names a folder as the base model: {shown(tag)}", "name it by its Hub id"
            )
        elif relation is not None and data.get("base_model") and relation[1] not in _list(data["base_model"]):
            what = f"the tag {shown(tag)} names another base model than base_model does"
            yield hint(RULE, line, what, "take the tag out; the Hub makes its own")


def _datasets(card: CardText, data: dict[str, Any]) -> Iterator[Finding]:
    for name in _list(data.get("datasets")):
        line = card.matter_line("datasets")
        if not isinstance(name, str) or name.lower() in _UNNAMED:
            yield error(
                RULE, line, f"{shown(str(name))} is no data set of the Hub", "name it by its id, or leave the key out"
            )
        elif address := _ADDRESS.match(name):
            yield error(
                RULE, line, f"datasets holds an address: {shown(name)}", f"give the id alone: {address.group('id')}"
            )
        elif _is_folder(name):
            yield error(
                "local-path",
                line,
                f"datasets names a folder: {shown(name)}",
                "name a data set of the Hub, or leave the key out",
            )
        elif name in _READERS:
            yield hint(
                RULE, line, f"{name} is a file format's reader, not a data set", "leave the key out for local files"
            )
        elif not is_hub_name(name):
            yield error(RULE, line, f"{shown(name)} cannot be a data set of the Hub", "give its id, owner/name")


def _base_model(card: CardText, data: dict[str, Any]) -> Iterator[Finding]:
    line = card.matter_line("base_model")
    for name in _list(data.get("base_model")):
        if not isinstance(name, str) or name.lower() in _UNNAMED:
            yield error(RULE, line, f"base_model is {shown(str(name))}", "name it by its Hub id, or leave the key out")
        elif _PLACEHOLDER.search(name):
            continue
        elif address := _ADDRESS.match(name):
            yield error(
                RULE, line, f"base_model is an address: {shown(name)}", f"give the id alone: {address.group('id')}"
            )
        elif _is_folder(name):
            what = f"base_model is a folder of one machine: {shown(name)}"
            yield error("local-path", line, what, "name the model by its Hub id; the Hub links nothing to a folder")
        elif not is_hub_id(name):
            what = f"base_model {shown(name)} has no owner, so that it may as well be a folder"
            yield hint(RULE, line, what, "give the id, owner/name")


def _relation(card: CardText, data: dict[str, Any]) -> Iterator[Finding]:
    relation, words = data.get("base_model_relation"), hub_words().relations
    line = card.matter_line("base_model_relation")
    if relation is not None and relation not in words:
        yield error(RULE, line, f"the relation {shown(str(relation))} is unknown", f"give one of {', '.join(words)}")
    if relation is not None and not data.get("base_model"):
        yield error(RULE, line, "base_model_relation stands without base_model", "name the base model")
    if isinstance(data.get("base_model"), list) and len(data["base_model"]) > 1 and relation == "adapter":
        yield hint(RULE, line, "an adapter of several base models", "name the one that the adapter loads on")


def _library(card: CardText, data: dict[str, Any]) -> Iterator[Finding]:
    library = data.get("library_name")
    line = card.matter_line("library_name")
    if library is not None and (not isinstance(library, str) or not re.fullmatch(r"[\w.+ -]+", library)):
        yield error(RULE, line, f"library_name {shown(str(library))} is no library", "give its name, such as peft")
    is_adapter = data.get("base_model_relation") == "adapter" or "lora" in _list(data.get("tags"))
    if library is None and is_adapter and "lora" in _list(data.get("tags")):
        yield hint(RULE, None, "an adapter's card names no library_name", "add library_name: peft")


def _pipeline(card: CardText, data: dict[str, Any]) -> Iterator[Finding]:
    tag, words = data.get("pipeline_tag"), hub_words().pipeline_tags
    if tag is None or tag in words:
        return
    meant = nearest(str(tag).replace("_", "-").replace(" ", "-"), words)
    say = error if meant or not isinstance(tag, str) else hint
    cure = f"{meant} may be meant" if meant else "give one of huggingface.co/tasks"
    yield say(RULE, card.matter_line("pipeline_tag"), f"pipeline_tag {shown(str(tag))} is no task of the Hub", cure)


def _index(card: CardText, data: dict[str, Any]) -> Iterator[Finding]:
    """What a ``model-index`` lacks to be read; a library's empty list of results is left alone."""
    index = data.get("model-index")
    if index is None:
        return
    line = card.matter_line("model-index")
    cure = "see the model-index of huggingface.co/docs/hub/model-cards, or take it out"
    for problem in _index_problems(index):
        yield error(RULE, line, f"the Hub cannot read model-index: {problem}", cure)


def _index_problems(index: Any) -> Iterator[str]:
    if not isinstance(index, list) or not all(isinstance(entry, dict) for entry in index):
        yield "it is no list of models"
        return
    for entry in index:
        if not isinstance(entry.get("name"), str):
            yield "a model has no name"
        if not isinstance(entry.get("results"), list):
            yield "a model has no list of results"
            continue
        for result in entry["results"]:
            yield from _result_problems(result)


def _result_problems(result: Any) -> Iterator[str]:
    if not isinstance(result, dict):
        yield "a result is no group of task, dataset and metrics"
        return
    for part, names in _INDEX_KEYS.items():
        held = result.get(part)
        missing = [name for name in names if not isinstance(held, dict) or held.get(name) in (None, "")]
        if missing:
            yield f"a result lacks {part} {' and '.join(missing)}"
    metrics = result.get("metrics")
    if not isinstance(metrics, list) or not metrics:
        yield "a result has no metrics"
        return
    for metric in metrics:
        if not isinstance(metric, dict) or not metric.get("type") or metric.get("value") in (None, ""):
            yield "a metric lacks type or value"


def _placeholders(card: CardText, data: dict[str, Any]) -> Iterator[Finding]:
    for key, value in data.items():
        for text in _list(value):
            if isinstance(text, str) and _PLACEHOLDER.search(text) and key not in {"widget", "extra_gated_prompt"}:
                cure = "write what belongs there, or take the key out"
                yield error(
                    "placeholder", card.matter_line(key), f"a placeholder is left in {key}: {shown(text)}", cure
                )


def _is_folder(name: str) -> bool:
    # A repository may be named for a checkpoint: "ada/checkpoint-500".
    return looks_local(name) or (_FOLDER.search(name) is not None and not is_hub_checkpoint(name))


def _list(value: Any) -> list[Any]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]
