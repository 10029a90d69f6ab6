"""How long it takes to join the summaries of 1,024 computers into one record, and how large each is.

Run from the repository: python benchmarks/merge_nodes.py
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

from cardcallback.processes import NodeSummary, merge_nodes, summarize_node
from cardcallback.processes.summary import MOST_BYTES, decode_summary, encode_summary
from cardcallback.record import encode

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests" / "unit"))

from msgspec.structs import replace
from node_records import node_record

_NODES = 1024
_GPUS = 8
_MOST_SECONDS = 1.0


def main() -> int:
    """Print both against their budgets; 1 where one is missed."""
    processes = _NODES * _GPUS
    record = node_record(range(_GPUS), processes=processes)
    files = [encode_summary(_summary(node, processes)) for node in range(1, _NODES)]
    began, elapsed = time.process_time(), time.perf_counter()
    summaries = [decode_summary(content) for content in files]
    read = time.process_time()
    merged = merge_nodes(record, summaries)
    ended, elapsed = time.process_time(), time.perf_counter() - elapsed
    size = max(map(len, files))
    # The processor's time, which other work on the machine does not lengthen.
    took = f"{ended - began:.2f} s of at most {_MOST_SECONDS:.0f} s of processor time"
    print(f"{_NODES:,} computers of {_GPUS} GPUs: {took}, {elapsed:.2f} s by the clock")
    print(f"  reading the summaries {read - began:.2f} s, joining them {ended - read:.2f} s")
    print(f"  largest summary {size:,} bytes of at most {MOST_BYTES:,}")
    print(f"  the record is {len(encode(merged)) / 1024**2:.1f} MiB")
    return int(ended - began > _MOST_SECONDS or size > MOST_BYTES)


def _summary(number: int, processes: int) -> NodeSummary:
    record = node_record(range(number * _GPUS, (number + 1) * _GPUS), processes=processes)
    power = tuple((30.0 + 60.0 * minute, 5000.0 + 10.0 * minute) for minute in range(60))
    record = replace(record, nodes=(replace(record.nodes[0], gpu_power=power),))
    names = tuple(f"{number * _GPUS + gpu:012x}" for gpu in range(_GPUS))
    return summarize_node(record, answers=f"{number:032x}", computer=f"{number:016x}", gpus=names)


if __name__ == "__main__":
    sys.exit(main())
