"""Where in its job a process stands, by what launchers tell in the environment. No collective, no network."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from cardcallback import handlers

# torchrun and accelerate; Intel MPI, Open MPI, MVAPICH (those that accelerate reads too).
_RANK = ("RANK", "PMI_RANK", "OMPI_COMM_WORLD_RANK", "MV2_COMM_WORLD_RANK")
# Then those by which a person's script tells PyTorch its rank: MVAPICH 3, Cray's PALS, Flux, IBM's jsrun.
_LOCAL_RANK = (
    *("LOCAL_RANK", "MPI_LOCALRANKID", "OMPI_COMM_WORLD_LOCAL_RANK", "MV2_COMM_WORLD_LOCAL_RANK"),
    *("MVP_COMM_WORLD_LOCAL_RANK", "PALS_LOCAL_RANKID", "PMI_LOCAL_RANK", "FLUX_TASK_LOCAL_ID"),
    "JSM_NAMESPACE_LOCAL_RANK",
)
_PROCESSES = ("WORLD_SIZE", "PMI_SIZE", "OMPI_COMM_WORLD_SIZE", "MV2_COMM_WORLD_SIZE")
# LOCAL_SIZE is DeepSpeed's, whose launcher sets no other.
_LOCAL_PROCESSES = (
    *("LOCAL_WORLD_SIZE", "MPI_LOCALNRANKS", "OMPI_COMM_WORLD_LOCAL_SIZE", "MV2_COMM_WORLD_LOCAL_SIZE"),
    *("LOCAL_SIZE", "MVP_COMM_WORLD_LOCAL_SIZE", "PMI_LOCAL_SIZE"),
)
_NODE_NUMBER = ("GROUP_RANK", "CROSS_RANK", "NODE_RANK")  # torchrun and accelerate; DeepSpeed; Ray, Azure
# Of the step that srun started, and where nothing tells of that, of the whole job.
_SLURM_TASKS = ("SLURM_STEP_NUM_TASKS", "SLURM_NTASKS", "SLURM_NPROCS")
_SLURM_TASKS_OF_NODES = ("SLURM_STEP_TASKS_PER_NODE", "SLURM_TASKS_PER_NODE")
# What is the same for all processes of one job, and hardly ever for two jobs. Not PMI_ID, which is a rank.
_OF_THE_JOB = (
    *("TORCHELASTIC_RUN_ID", "TORCHELASTIC_RESTART_COUNT", "MASTER_ADDR", "MASTER_PORT"),
    *("SLURM_JOB_ID", "SLURM_RESTART_COUNT", "OMPI_MCA_ess_base_jobid", "PMIX_NAMESPACE"),
)
# Of these what every process of a job must have alike to find the others, however it was started.
_OF_EVERY_LAUNCHER = ("MASTER_ADDR", "MASTER_PORT", "SLURM_JOB_ID")
_TASKS = re.compile(r"(\d+)(?:\(x(\d+)\))?", re.ASCII)
_MOST_NODES = 100_000
_MOST_DIGITS = 18  # Python refuses to read a number of thousands, and no job has one


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """One process of a job; ``rank`` counts over all nodes, ``local_rank`` on its own.

    ``local_processes`` is ``None`` where nothing tells how many the node has. ``node`` names the node among the
    job's own: a short hash, from which neither job nor machine can be told. ``computer`` is such a hash too, alike for
    all processes of one computer of the job whoever started them, and empty where that cannot be told. ``job`` is one
    that all processes of the job have alike, likewise.
    """

    rank: int = 0
    local_rank: int = 0
    processes: int = 1
    local_processes: int | None = 1
    node: str = ""
    computer: str = ""
    job: str = ""

    @property
    def writes(self) -> bool:
        """Whether card and record are this process's to write."""
        return self.rank == 0

    @property
    def measures(self) -> bool:
        """Whether it measures for its node."""
        return self.local_rank == 0 or self.rank == 0

    @property
    def is_alone(self) -> bool:
        """Whether it is the whole job."""
        return self.processes == 1


def find_place(environ: Mapping[str, str], args: Any = None, system_root: Path = Path("/")) -> Place:
    """The place of this process in its job.

    Args:
        environ: the environment, as a launcher filled it.
        args: the training arguments, whose word on rank and size counts before the environment's.
        system_root: the folder that holds ``proc``.
    """
    processes = _told(args, "world_size", _first(environ, _PROCESSES)) or 1
    if processes <= 1:
        return Place()
    slurm = environ if _first(environ, _SLURM_TASKS) == processes else {}
    rank = _told(args, "process_index", _first(environ, (*_RANK, "SLURM_PROCID"))) or 0
    on_node = _by_srun(slurm, rank) or _by_launcher(environ, slurm)
    if on_node.rank is None and args is None:
        return Place()  # as accelerate has it, which makes no job of what was told no local rank
    local_rank = on_node.rank if on_node.rank is not None else _told(args, "local_process_index", rank)
    local_rank = min(local_rank or 0, rank)  # more would be another job's number, or a device's
    possible = on_node.processes is not None and local_rank < on_node.processes <= processes
    return Place(
        rank=rank,
        local_rank=local_rank,
        processes=processes,
        local_processes=on_node.processes if possible else None,
        node=_node(environ, slurm, processes, system_root),
        computer=_computer(environ, processes, system_root),
        job=_job(environ, processes),
    )


class _OnNode(NamedTuple):
    rank: int | None
    processes: int | None


def _by_srun(slurm: Mapping[str, str], rank: int) -> _OnNode | None:
    """What srun says, where each of its tasks is a process of the job.

    Scripts that give each task a GPU of its own set LOCAL_RANK=0 in all of them: the number of the device there.
    """
    if "TORCHELASTIC_RUN_ID" in slurm or _first(slurm, ("SLURM_PROCID",)) != rank:
        return None
    local_rank = _first(slurm, ("SLURM_LOCALID",))
    return None if local_rank is None else _OnNode(local_rank, _slurm_tasks(slurm))


def _by_launcher(environ: Mapping[str, str], slurm: Mapping[str, str]) -> _OnNode:
    local_rank = _first(environ, _LOCAL_RANK)
    if local_rank is None:
        local_rank = _first(slurm, ("SLURM_LOCALID",))
    return _OnNode(local_rank, _first(environ, _LOCAL_PROCESSES) or _slurm_tasks(slurm))


def _told(args: Any, name: str, otherwise: int | None) -> int | None:
    value = getattr(args, name, None)
    return value if isinstance(value, int) and value >= 0 else otherwise


def _first(environ: Mapping[str, str], names: Sequence[str]) -> int | None:
    told = (environ.get(name, "") for name in names)
    return next((int(text) for text in told if text.isdecimal() and len(text) <= _MOST_DIGITS), None)


def _slurm_tasks(slurm: Mapping[str, str]) -> int | None:
    """This node's number in a list such as "4(x2),3": the tasks of each node in order."""
    node = _first(slurm, ("SLURM_NODEID",))
    if node is None:
        return None
    first_of_next = 0
    told = next((slurm[name] for name in _SLURM_TASKS_OF_NODES if slurm.get(name)), "")
    for tasks, nodes in _TASKS.findall(told):
        first_of_next += min(int(nodes or 1), _MOST_NODES)
        if node < first_of_next:
            return int(tasks)
    return None


def _node(environ: Mapping[str, str], slurm: Mapping[str, str], processes: int, system_root: Path) -> str:
    # The number of the boot tells apart machines whose launcher numbers no nodes; only its hash goes anywhere.
    group = _first(environ, _NODE_NUMBER)
    number = group if group is not None else _first(slurm, ("SLURM_NODEID",))
    own = "" if number is None else str(number)
    return _hash([*_values(environ, _OF_THE_JOB), str(processes), own, _boot(system_root)])[:8]


def _computer(environ: Mapping[str, str], processes: int, system_root: Path) -> str:
    # One boot, one kernel, one computer: containers of it read the same number.
    boot = _boot(system_root)
    return _hash([*_values(environ, _OF_EVERY_LAUNCHER), str(processes), boot])[:16] if boot else ""


def _job(environ: Mapping[str, str], processes: int) -> str:
    values = _values(environ, _OF_EVERY_LAUNCHER)
    return _hash([*values, str(processes)])[:16] if any(values) else ""


def _values(environ: Mapping[str, str], names: Sequence[str]) -> list[str]:
    return [environ.get(name, "") for name in names]


def _hash(parts: Sequence[str]) -> str:
    return hashlib.sha256("\n".join(parts).encode(errors="surrogateescape")).hexdigest()


def _boot(system_root: Path) -> str:
    try:
        return (system_root / "proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except (OSError, ValueError) as error:
        handlers.pass_on(error)
        return ""
