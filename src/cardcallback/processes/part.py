"""This process's part in its job, as the Trainer's events tell of it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cardcallback.guard import Guard
from cardcallback.hooks import StopSignals, find_trainer, watch_train
from cardcallback.processes.follower import Follower, follow
from cardcallback.processes.node import MeasuredNode
from cardcallback.processes.place import Place, find_place
from cardcallback.settings import system_root

_ADDED_LATE = "added while training runs: this training is not measured; add the callback before train()"


class ProcessPart:
    """Whether this process writes, measures for its node, or only announces its devices; alone it does all.

    Args:
        guard: catches what fails here; quiet where another process speaks.
        environ: as a launcher filled it; ``place`` is the one that it tells of until there is a trainer.

    ``is_alone``: it measures a training of which nobody else counts the steps.
    """

    def __init__(self, guard: Guard, environ: Mapping[str, str]) -> None:
        self.place = Place()
        self._guard = guard
        self._signals = StopSignals(guard, on_fork=self._left_to_parent)
        self._follower: Follower | None = None
        self._node: MeasuredNode | None = None
        self._began = False
        self.is_alone = False
        self._find(environ)

    def begin(self, args: Any, model: Any, environ: Mapping[str, str], callback: object = None) -> bool:
        """Find the place in the job, and where another process measures announce this one; whether this one does.

        ``callback`` is whose event this is: by it the trainer is found whose batches are counted.
        """
        self.end()
        self._began = True
        self._find(environ, args)
        if not self.place.measures:
            with self._guard("announce this process's devices"):
                self._follower = follow(args, model, self.place, environ, self._guard, find_trainer(callback))
                self._signals.install(self._follower)
        self._note_whether_alone()
        return self.place.measures

    def _find(self, environ: Mapping[str, str], args: Any = None) -> None:
        root = Path("/")
        with self._guard("find the files that tell of this computer"):
            root = system_root(environ)
        with self._guard("find this process's place in its job"):
            self.place = find_place(environ, args, root)
        self._guard.quiet = not self.place.writes

    def _left_to_parent(self) -> None:
        self._follower = self._node = None

    def measures_for(self, node: MeasuredNode | None) -> None:
        """The node whose measurer this process is now, where it is one of several."""
        self._node = node
        self._note_whether_alone()

    def _note_whether_alone(self) -> None:
        self.is_alone = self._began and self._follower is None and self._node is None

    def step_begins(self, *, awaited: bool) -> None:
        """Count a step, by which the others can tell a process that stands still.

        ``awaited``: this process would measure, had it been told of the training's begin.
        """
        if awaited and not self._began:
            self._guard.tell([_ADDED_LATE])
        if self._follower is not None:
            self._follower.step_begins()
        elif self._node is not None:
            self._node.ranks.step_begins()

    def logged(self, logs: Mapping[str, Any]) -> None:
        """The Trainer logged in this process."""
        if self._follower is not None:
            with self._guard("read the tokens counted so far"):
                self._follower.logged(logs)

    def saved(self) -> None:
        """A checkpoint was written."""
        if self._follower is not None:
            with self._guard("tell the tokens counted so far"):
                self._follower.saved()

    def watch(self, trainer: Any) -> None:
        """Know where this trainer's ``train()`` is left by an exception, if another process measures."""
        if not self.place.measures:
            watch_train(trainer, on_exception=self.end, guard=self._guard)

    def end(self, error: BaseException | None = None) -> None:
        """The training ended in this process, perhaps by an exception; where another measures, that one is told."""
        self._began = self.is_alone = False
        if self._follower is not None:
            with self._guard("tell that this process ended"):
                self._follower.end(error)
            with self._guard("put the signal handlers back"):
                self._signals.remove()
            self._follower = None
