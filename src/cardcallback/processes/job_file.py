"""The file by which a job's computers know each other, and what names rank 0's to whoever joins them later."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

from cardcallback import handlers
from cardcallback.processes.rendezvous import read_small, write_private
from cardcallback.record import PRIVATE_FOLDER, RunRecord
from cardcallback.writing import own_folder

GPU_DIGITS = 12  # one of thousands of a job
_NAME = "job"
_GPU = f"[0-9a-f]{{{GPU_DIGITS}}}"
_NAMES = rf"{_GPU}(?:\+{_GPU})?"  # of one day or two
_CONTENT = re.compile(rf"([0-9a-f]{{32}})(?: ([0-9a-f]{{16}}))?(?: gpus=({_NAMES}(?:,{_NAMES})*))?")


class JobNames(NamedTuple):
    """A job's random number, and what names the computer of its rank 0 and the GPUs measured there, as in summaries."""

    job: str = ""
    computer: str = ""
    gpus: tuple[str, ...] = ()


def job_file(output_folder: Path) -> Path:
    """Where it lies."""
    return output_folder / PRIVATE_FOLDER / _NAME


def write_job(output_folder: Path, names: JobNames) -> None:
    """Put it in the place of an earlier job's.

    Raises:
        CardCallbackError: our folder is a link that leads out of the output folder, or cannot be made.
        OSError: it cannot be written.
    """
    parts = [names.job, names.computer, f"gpus={','.join(names.gpus)}" if names.gpus else ""]
    own_folder(output_folder / PRIVATE_FOLDER)
    write_private(job_file(output_folder), " ".join(part for part in parts if part).encode())


def read_job(output_folder: Path) -> JobNames:
    """What it tells; nothing where there is none."""
    text = (read_small(job_file(output_folder)) or b"").decode("ascii", errors="replace")
    match = _CONTENT.fullmatch(text)
    if match is None:
        return JobNames()
    return JobNames(match[1], match[2] or "", tuple(match[3].split(",")) if match[3] else ())


def remove_job(output_folder: Path, job: str) -> None:
    """Remove the number of a job that is over, unless another job has put its own in its place."""
    with handlers.suppress(OSError):  # it stays, and the next job replaces it
        if job and read_job(output_folder).job == job:
            job_file(output_folder).unlink(missing_ok=True)


def names_of_first(output_folder: Path, record: RunRecord) -> JobNames:
    """What names the computer of rank 0, whose record it is, where its job's number still lies beside it."""
    names = read_job(output_folder)
    return names if names.job and record.nodes and names.job == record.nodes[0].job else JobNames()
