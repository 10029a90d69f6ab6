"""Where in its job a process stands, by the variables that each launcher sets."""

from __future__ import annotations

import signal
from pathlib import Path
from types import SimpleNamespace

import pytest

from cardcallback.errors import CardCallbackWarning
from cardcallback.guard import Guard
from cardcallback.processes.part import ProcessPart
from cardcallback.processes.place import Place, find_place

TORCHRUN = {
    "RANK": "5",
    "LOCAL_RANK": "1",
    "WORLD_SIZE": "8",
    "LOCAL_WORLD_SIZE": "4",
    "GROUP_RANK": "1",
    "MASTER_ADDR": "node-secret",
    "MASTER_PORT": "29500",
    "TORCHELASTIC_RUN_ID": "run",
}
# As srun sets them, with what a person's own script must add for PyTorch.
SRUN = {
    "RANK": "6",
    "WORLD_SIZE": "11",
    "SLURM_PROCID": "6",
    "SLURM_LOCALID": "2",
    "SLURM_NTASKS": "11",
    "SLURM_NODEID": "1",
    "SLURM_TASKS_PER_NODE": "4(x2),3",
}
OPEN_MPI = {
    "OMPI_COMM_WORLD_RANK": "3",
    "OMPI_COMM_WORLD_LOCAL_RANK": "0",
    "OMPI_COMM_WORLD_SIZE": "6",
    "OMPI_COMM_WORLD_LOCAL_SIZE": "3",
}
# DeepSpeed's own launcher, and Intel MPI's or MPICH's mpirun.
DEEPSPEED = {
    "RANK": "5",
    "LOCAL_RANK": "1",
    "WORLD_SIZE": "8",
    "LOCAL_SIZE": "4",
    "CROSS_RANK": "1",
    "CROSS_SIZE": "2",
    "MASTER_ADDR": "node-secret",
    "MASTER_PORT": "29500",
}
HYDRA = {"PMI_RANK": "5", "PMI_SIZE": "8", "MPI_LOCALRANKID": "1", "MPI_LOCALNRANKS": "4"}


def where(environ: dict[str, str], args: object = None, root: Path = Path("/nowhere")) -> Place:
    """The place by these words."""
    return find_place(environ, args, root)


@pytest.mark.parametrize(
    ("environ", "rank", "local_rank", "processes", "local_processes"),
    [
        (TORCHRUN, 5, 1, 8, 4),
        (SRUN, 6, 2, 11, 4),
        (OPEN_MPI, 3, 0, 6, 3),
        (DEEPSPEED, 5, 1, 8, 4),
        (HYDRA, 5, 1, 8, 4),
        # torchrun started by srun's or mpirun's one task for each node.
        (TORCHRUN | {"PMI_RANK": "1", "PMI_SIZE": "2", "SLURM_PROCID": "1", "SLURM_NTASKS": "2"}, 5, 1, 8, 4),
    ],
)
def test_each_launcher_is_understood(
    environ: dict[str, str], rank: int, local_rank: int, processes: int, local_processes: int
) -> None:
    """By torchrun (accelerate starts it too), srun, mpirun and DeepSpeed."""
    place = where(environ)
    assert (place.rank, place.local_rank, place.processes, place.local_processes) == (
        rank,
        local_rank,
        processes,
        local_processes,
    )
    assert place.measures == (local_rank == 0)
    assert not place.writes


def test_the_last_node_of_a_slurm_job_has_its_own_count() -> None:
    """The list "4(x2),3" is in the nodes' order."""
    assert where(SRUN | {"SLURM_NODEID": "2"}).local_processes == 3
    assert where(SRUN | {"SLURM_NODEID": "9"}).local_processes is None


def test_a_step_of_fewer_nodes_than_its_job_has_its_own_count() -> None:
    """What srun says of the step it started comes before what the job was given."""
    step = {"SLURM_NTASKS": "32", "SLURM_TASKS_PER_NODE": "16(x2)"}
    step |= {"SLURM_STEP_NUM_TASKS": "11", "SLURM_STEP_TASKS_PER_NODE": "4(x2),3"}
    assert where(SRUN | step).local_processes == 4
    assert where(SRUN | step | {"SLURM_NODEID": "2"}).local_processes == 3


@pytest.mark.parametrize(
    "name", ["PALS_LOCAL_RANKID", "PMI_LOCAL_RANK", "FLUX_TASK_LOCAL_ID", "MVP_COMM_WORLD_LOCAL_RANK"]
)
def test_a_task_that_tells_pytorch_only_its_rank_is_known_by_its_launcher(name: str) -> None:
    """Two of four tasks are on this node, the second of which only announces itself."""
    place = where({"RANK": "3", "WORLD_SIZE": "4", name: "1"})
    assert (place.rank, place.local_rank, place.measures) == (3, 1, False)


def test_a_pod_whose_operator_tells_no_local_rank_is_believed_to_be_alone() -> None:
    """Kubeflow tells each pod a rank; the Trainer makes one job of them only by a local rank, and says so later."""
    pod = {"RANK": "1", "WORLD_SIZE": "2", "MASTER_ADDR": "job-master-0", "MASTER_PORT": "23456"}
    assert where(pod) == Place()
    assert where(pod, SimpleNamespace(world_size=1, process_index=0, local_process_index=0)) == Place()
    together = where(pod, SimpleNamespace(world_size=2, process_index=1, local_process_index=0))
    assert (together.rank, together.local_rank, together.measures) == (1, 0, True)


@pytest.mark.parametrize("task", [0, 1])
def test_a_script_s_own_local_rank_does_not_make_every_task_a_measurer(task: int) -> None:
    """With a GPU for each task it is the device's number, 0 everywhere: srun knows which task of the node it is."""
    tasks = {"WORLD_SIZE": "2", "SLURM_NTASKS": "2", "SLURM_NODEID": "0", "SLURM_TASKS_PER_NODE": "2"}
    by_script = {"LOCAL_RANK": "0", "LOCAL_WORLD_SIZE": "1", "CUDA_VISIBLE_DEVICES": str(task)}
    environ = tasks | by_script | {"SLURM_PROCID": str(task), "SLURM_LOCALID": str(task)}
    for told in ({"RANK": str(task)}, {}):
        place = where(environ | told)
        assert (place.rank, place.local_rank, place.local_processes) == (task, task, 2)
        assert find_place(environ | told).measures == (task == 0)


@pytest.mark.parametrize("rank", [0, 1])
def test_torchrun_within_one_task_is_believed(rank: int) -> None:
    """A batch script with as many tasks as processes, on two nodes: srun's numbers are those of the script."""
    batch = {"SLURM_NTASKS": "8", "SLURM_PROCID": "0", "SLURM_LOCALID": "0", "SLURM_NODEID": "0"}
    own = {"RANK": str(rank), "LOCAL_RANK": str(rank), "GROUP_RANK": "0", "LOCAL_WORLD_SIZE": "8"}
    place = where(TORCHRUN | batch | {"SLURM_TASKS_PER_NODE": "4(x2)"} | own)
    assert (place.rank, place.local_rank, place.local_processes) == (rank, rank, 8)


@pytest.mark.parametrize(
    "environ",
    [
        {},
        {"RANK": "0", "WORLD_SIZE": "1", "LOCAL_RANK": "0"},
        {"RANK": "3"},
        # Independent runs as tasks of one allocation, and python without srun in a batch script.
        {"SLURM_PROCID": "3", "SLURM_LOCALID": "3", "SLURM_NTASKS": "8"},
        {"RANK": "x", "WORLD_SIZE": "-2"},
    ],
)
def test_a_process_without_others_does_everything(environ: dict[str, str]) -> None:
    """Also where a scheduler's variables would make it one of many: PyTorch's count decides."""
    place = where(environ)
    assert place == Place()
    assert place.measures
    assert place.writes


def test_the_trainer_s_word_counts_before_the_environment_s() -> None:
    """It knows the processes that found each other."""
    alone = SimpleNamespace(world_size=1, process_index=0, local_process_index=0)
    assert where(TORCHRUN, alone).is_alone
    told = SimpleNamespace(world_size=8, process_index=5, local_process_index=1)
    assert where({}, told) == Place(rank=5, local_rank=1, processes=8, local_processes=None, node=where({}, told).node)


def test_processes_of_one_node_have_one_name_and_others_another(tmp_path: Path) -> None:
    """The name is alike for all ranks of a node, and unlike for a second node, machine or restart."""
    own = where(TORCHRUN).node
    assert where(TORCHRUN | {"RANK": "4", "LOCAL_RANK": "0"}).node == own
    boot = tmp_path / "proc/sys/kernel/random/boot_id"
    boot.parent.mkdir(parents=True)
    boot.write_text("0f2c8d9e-0000\n")
    others = [
        where(TORCHRUN | {"GROUP_RANK": "0"}),
        where(TORCHRUN, root=tmp_path),
        where(TORCHRUN | {"TORCHELASTIC_RESTART_COUNT": "1"}),
        where(TORCHRUN | {"MASTER_PORT": "29501"}),
    ]
    names = [own, *(place.node for place in others)]
    assert len(set(names)) == len(names)
    assert all("secret" not in name and len(name) == 8 for name in names)


def test_a_rank_in_the_process_manager_s_words_does_not_part_a_node() -> None:
    """MPICH calls a process's own number PMI_ID: it is no name of the job."""
    names = {where(HYDRA | {"PMI_RANK": rank, "PMI_ID": rank}).node for rank in ("4", "5", "6")}
    assert len(names) == 1


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ({"LOCAL_RANK": "7"}, (5, 5, None)),  # more than there are before it
        ({"LOCAL_WORLD_SIZE": "1"}, (5, 1, None)),
        ({"LOCAL_WORLD_SIZE": "16"}, (5, 1, None)),
        ({"LOCAL_WORLD_SIZE": "many"}, (5, 1, None)),
    ],
)
def test_impossible_numbers_are_not_believed(change: dict[str, str], place: tuple[int, int, int | None]) -> None:
    """Who is missing is then told by the job's own numbers, and nobody is invented."""
    found = where(TORCHRUN | change)
    assert (found.rank, found.local_rank, found.local_processes) == place


def test_one_computer_has_one_name_whoever_started_its_processes(tmp_path: Path) -> None:
    """Two launchers, or two containers: one kernel's number of the boot. Without it nothing is claimed."""
    boot = tmp_path / "proc/sys/kernel/random/boot_id"
    boot.parent.mkdir(parents=True)
    boot.write_text("0f2c8d9e-0000\n")
    first = where(TORCHRUN, root=tmp_path)
    second = where(TORCHRUN | {"GROUP_RANK": "0", "TORCHELASTIC_RESTART_COUNT": "1"}, root=tmp_path)
    assert first.node != second.node
    assert first.computer == second.computer != ""
    assert where(TORCHRUN | {"MASTER_PORT": "29501"}, root=tmp_path).computer != first.computer
    assert where(TORCHRUN).computer == ""
    boot.write_text("another-boot\n")
    assert where(TORCHRUN, root=tmp_path).computer != first.computer


def test_an_environment_that_is_no_text_or_number_still_tells_the_place() -> None:
    """Bytes that are no UTF-8, as Python hands them on, and a count of more digits than Python reads."""
    found = where(TORCHRUN | {"MASTER_ADDR": "\udcff", "LOCAL_WORLD_SIZE": "9" * 5000})
    assert (found.rank, found.local_rank, found.local_processes) == (5, 1, None)


@pytest.mark.expects_failure
def test_where_the_system_s_files_lie_may_be_wrong_without_harm() -> None:
    """One warning, the place as the launcher tells it, and nothing raised into whoever copies a callback."""
    unclear = {"CARDCALLBACK_SYSTEM_ROOT": "/recorded", "CARDCALLBACK_SIMULATED": "perhaps"}
    environ = TORCHRUN | unclear | {"RANK": "0", "LOCAL_RANK": "0"}
    guard = Guard()
    with pytest.warns(CardCallbackWarning, match="CARDCALLBACK_SIMULATED") as told:
        part = ProcessPart(guard, environ)
        assert part.begin(None, None, environ)
    assert len(told) == 1
    assert (part.place.rank, part.place.processes, guard.quiet) == (0, 8, False)


@pytest.mark.expects_failure
def test_the_handlers_of_signals_go_though_the_end_fails(tmp_path: Path) -> None:
    """Of a process that another one measures: what comes after its training ends it as it always did."""
    before = signal.getsignal(signal.SIGTERM)
    guard = Guard()
    part = ProcessPart(guard, TORCHRUN)
    assert not part.begin(SimpleNamespace(output_dir=str(tmp_path), world_size=8), None, TORCHRUN)
    assert signal.getsignal(signal.SIGTERM) is not before
    assert part._follower is not None
    part._follower._tokens = SimpleNamespace(settle=lambda: 1 / 0)  # type: ignore[assignment]  # as far as it comes
    part.end()
    assert "cardcallback could not tell that this process ended: ZeroDivisionError" in guard.sentences
    assert signal.getsignal(signal.SIGTERM) is before
