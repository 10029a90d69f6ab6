"""Runs one part of a way in this process: python tests/ways/run_part.py WAY PART WORK_FOLDER."""

from __future__ import annotations

import json
import sys
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parents[1] / "integration")]

from way import Place, load  # noqa: E402 - found by the line above


def prepare_base(place: Place) -> None:
    """The tiny model and its tokenizer as a person has them on disk."""
    from tiny import make_model, make_tokenizer  # noqa: PLC0415 - imports torch

    make_model(place.base)
    make_tokenizer().save_pretrained(place.base)


def export(place: Place) -> None:
    """What was trained as a model on its own: an adapter merged into its base, another model saved anew."""
    from transformers import AutoModelForCausalLM  # noqa: PLC0415 - only in this process

    settings = place.output / "adapter_config.json"
    if not settings.is_file():
        AutoModelForCausalLM.from_pretrained(place.output).save_pretrained(place.merged)
        return
    from peft import PeftModel  # noqa: PLC0415 - as above

    base = json.loads(settings.read_text(encoding="utf-8"))["base_model_name_or_path"]
    model = PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained(base), place.output)
    model.merge_and_unload().save_pretrained(place.merged)


def main() -> None:
    """Do what the command line says."""
    identifier, part, work = sys.argv[1:]
    module, place = load(identifier), Place(Path(work))
    if part == "prepare":
        prepare_base(place)
        getattr(module, "prepare", lambda _: None)(place)
    elif part == "export":
        getattr(module, "export", export)(place)
    else:
        module.train(place)


if __name__ == "__main__":
    main()
