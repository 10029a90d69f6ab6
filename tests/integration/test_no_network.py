"""The run opens no connection that it would not open without us."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from simulator import build_problem, environment, profile_named

pytestmark = pytest.mark.training
HERE = Path(__file__).parent
PROGRAM = """
import json, sys
from pathlib import Path

seen = []

def notice(event, arguments):
    if event in {"socket.connect", "socket.bind", "socket.sendto", "socket.sendmsg", "urllib.Request"} or (
        event.startswith("socket.get")
    ):
        address = arguments[-1] if arguments else ""
        # A socket of this machine's own has a path, which differs from run to run.
        seen.append([event, "local" if isinstance(address, (str, bytes)) and "/" in str(address) else repr(address)])

sys.addaudithook(notice)
from tiny import make_trainer
from cardcallback import CardCallback, load_run

folder, measured = Path(sys.argv[1]), sys.argv[2] == "measured"
callbacks = [CardCallback(quiet=True, location="DE")] if measured else []
trainer = make_trainer(
    "sft-peft", folder / "out", base_folder=folder / "base", callbacks=callbacks, eval_strategy="steps", eval_steps=2,
    save_strategy="steps", save_steps=2, max_steps=4,
)
trainer.train()
if measured:
    assert load_run(folder / "out").energy.gpu.value is not None
import socket
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as end:
    end.connect(("127.0.0.1", 9))
print("seen", json.dumps(seen))
"""


def connections(folder: Path, kind: str) -> Any:
    """What a whole training in a process of its own asked of the network, imports included, and one connection more."""
    folder.mkdir()
    paths = [str(HERE), *sys.path]
    # Not offline: a library that would ask the Hub may; what counts is the difference that we make.
    variables = {key: value for key, value in os.environ.items() if key not in {"HF_HUB_OFFLINE", "CI"}}
    variables |= environment(profile_named("gb10"), folder) | {"PYTHONPATH": os.pathsep.join(paths)}
    variables |= {"HF_ENDPOINT": "http://127.0.0.1:9", "HF_HUB_DISABLE_TELEMETRY": "1"}
    command = [sys.executable, "-c", PROGRAM, str(folder), kind]
    done = subprocess.run(command, env=variables, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout.partition("seen ")[2].splitlines()[0])


@pytest.mark.skipif(build_problem() is not None, reason=str(build_problem()))
def test_no_connection_is_opened_because_of_us(tmp_path: Path) -> None:
    """Address look-ups, connections and datagrams are the same with and without the callback; one would be noticed."""
    bare = connections(tmp_path / "without", "bare")
    assert bare[-1] == ["socket.connect", "('127.0.0.1', 9)"]
    assert connections(tmp_path / "with", "measured") == bare
