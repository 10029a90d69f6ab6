"""How long it takes to join the summaries of 1,024 computers into one record, and how large each is.

Run from the repository: python benchmarks/merge_nodes.py
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

from cardcallback.processes import merge_nodes, summarize_node
from cardcallback.processes.summary import MOST_BYTES, decode_summary, encode_summary
from cardcallback.record import encode

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests" / "unit"))

from node_records import node_record

_NODES = 1024
_GPUS = 8
_MOST_SECONDS = 1.0


def main() -> int:
    """Print both against their budgets; 1 where one is missed."""
    processes = _NODES * _GPUS
    record = node_record(range(_GPUS), processes=processes)
    nodes = (range(node * _GPUS, (node + 1) * _GPUS) for node in range(1, _NODES))
    files = [encode_summary(summarize_node(node_record(ranks, processes=processes))) for ranks in nodes]
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


if __name__ == "__main__":
    sys.exit(main())
