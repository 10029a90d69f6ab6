"""What a place holds beside the card, by the names and settings of its files, and whether a record contradicts it."""

from __future__ import annotations

import json
from pathlib import PurePosixPath
from typing import Any

from cardcallback.errors import CardCallbackError
from cardcallback.publishing.place import Place
from cardcallback.record import RunRecord
from cardcallback.render.exported import Weights

_ADAPTER_SETTINGS = "adapter_config.json"
_MODEL_SETTINGS = "config.json"
_ADAPTER_FILES = frozenset({_ADAPTER_SETTINGS, "adapter_model.safetensors", "adapter_model.bin"})
_CONVERTED_ENDINGS = (
    ".gguf",
    ".ggml",
    ".onnx",
    ".tflite",
    ".litertlm",
    ".task",
    ".mlmodel",
    ".pte",
    ".pt2",
    ".engine",
    ".plan",
    ".rknn",
    ".mnn",
    ".dlc",
)
_CONVERTED_NAMES = frozenset({"openvino_model.xml", "model.mil", "mlc-chat-config.json"})
_MODEL_ENDINGS = frozenset({".safetensors", ".bin", ".pt", ".pth"})
_TRAINER_STATE = "trainer_state.json"
_LARGEST_SETTINGS_BYTES = 4 * 1024**2


def weights_in(place: Place) -> Weights:
    """Which weights lie in the place."""
    paths = [PurePosixPath(name) for name in place.file_names()]
    at_top = {path.name for path in paths if len(path.parts) == 1}
    if at_top & _ADAPTER_FILES:
        return "adapter"
    if _settings(place, _MODEL_SETTINGS).get("quantization_config") is not None:
        return "converted"
    if any(PurePosixPath(name).suffix.lower() in _MODEL_ENDINGS for name in at_top):
        return "model"
    converted = any(path.suffix.lower() in _CONVERTED_ENDINGS or path.name in _CONVERTED_NAMES for path in paths)
    return "converted" if converted else "unknown"


def contradiction(place: Place, record: RunRecord) -> str | None:
    """What the place's files say that weights of this run cannot be; None where nothing speaks against it."""
    adapter, lora = _settings(place, _ADAPTER_SETTINGS), record.training.lora
    rank = adapter.get("r") if adapter.get("peft_type") == "LORA" else None
    if isinstance(rank, int) and lora is None and record.training.method is not None:
        return f"they are a LoRA adapter, and the run was {record.training.method}"
    if isinstance(rank, int) and lora is not None and rank != lora.rank:
        return f"the adapter there has rank {rank}, the run's has {lora.rank}"
    step, training = _settings(place, _TRAINER_STATE).get("global_step"), record.training
    # What is saved at the end may be the last step's, or the best one's with the last one's state beside it.
    if isinstance(step, int) and training.published_step and step not in {training.published_step, training.steps}:
        return f"they are a checkpoint of step {step}, the card is for step {training.published_step}"
    found, known = _settings(place, _MODEL_SETTINGS).get("model_type"), record.training.model_type
    if isinstance(found, str) and known and not _same_family(found, known):
        return f"the model there is of type {found}, the run's is {known}"
    return None


def _same_family(found: str, known: str) -> bool:
    """A multimodal model names its text part in the same words: gemma3 and gemma3_text."""
    shorter, longer = sorted((found, known), key=len)
    return longer == shorter or longer.startswith(f"{shorter}_")


def _settings(place: Place, path: str) -> dict[str, Any]:
    """What a settings file says; nothing where it cannot be read, since it only confirms."""
    try:
        found = json.loads(place.read(path, _LARGEST_SETTINGS_BYTES) or b"{}")
    except (CardCallbackError, ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}
