"""The whole description where there is little, odd or hostile to read."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st
from observe_stand_ins import SFT_TRAINER, observe

from cardcallback.observe import observe_training
from cardcallback.observe.hyperparameters import _SHARED
from cardcallback.observe.plain import integer, number, word


def test_an_empty_world_is_unknown_not_wrong() -> None:
    """Nothing to read: every figure None, the base model with its reason, and it can be written."""
    training = observe_training(args=None, model=None)
    assert training.method is None
    assert training.base_model_reason is not None
    json.dumps(msgspec.to_builtins(training), allow_nan=False)


class Hostile:
    """Every attribute raises."""

    def __getattr__(self, name: str) -> object:
        """Refuse."""
        msg = f"/home/somebody/{name}"
        raise RuntimeError(msg)


def test_objects_that_raise_are_unknown() -> None:
    """A foreign property that fails costs its figure, not the training."""
    training = observe_training(args=Hostile(), model=Hostile(), trainer=Hostile())
    assert "somebody" not in msgspec.json.encode(training).decode()


@given(st.text(max_size=80))
def test_words_are_words(text: str) -> None:
    """No text with a separator, a space or a control character passes as a technical term."""
    found = word(text)
    assert found is None or (found == text and not set(text) & set("/\\ ~@:\n\t<>|"))


@given(st.one_of(st.floats(), st.integers(), st.booleans(), st.text(max_size=5), st.none()))
def test_numbers_are_finite(value: object) -> None:
    """NaN, infinity, flags and text are no numbers."""
    found = number(value)
    assert found is None or (found == value and not isinstance(value, bool))
    assert integer(value) is None or integer(value) == value


_ANYTHING = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=12)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=5), inner, max_size=3)),
    max_leaves=4,
)
_NAMES = st.sampled_from(
    [*_SHARED, "warmup_steps", "warmup_ratio", "world_size", "train_batch_size", "deepspeed_plugin", "bf16"]
)


@given(st.dictionaries(_NAMES, _ANYTHING, max_size=12))
def test_no_setting_of_any_type_stops_the_description(settings: dict[str, Any]) -> None:
    """Whatever a settings object holds, the description can be built and written."""
    training = observe(SFT_TRAINER(), SimpleNamespace(**settings))
    json.dumps(msgspec.to_builtins(training), allow_nan=False)
