"""The same script in two processes of accelerate."""

from __future__ import annotations

from launched_ways import launched, program, write_script
from way import Place

TITLE = "`cardcallback run -- accelerate launch`, 2 processes"
PAGE = "run.md"
REQUIRES = ("torch", "accelerate", "datasets", "peft", "trl")
# The launcher of several GPUs also where there is none: the trainer asks for the CPU.
_OPTIONS = "--multi_gpu --num_machines 1 --mixed_precision no --dynamo_backend no --num_processes 2"


def commands(place: Place) -> list[list[str]]:
    """As a person starts it."""
    script = write_script(place, "sft-peft")
    return [launched(program("accelerate"), "launch", *_OPTIONS.split(), str(script))]
