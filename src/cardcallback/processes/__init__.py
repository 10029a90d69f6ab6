"""A job of several processes: who measures, whose devices, and what all its computers used together."""

from cardcallback.processes.job_file import names_of_first, remove_job
from cardcallback.processes.merging import merge_nodes
from cardcallback.processes.node import MeasuredNode
from cardcallback.processes.part import ProcessPart
from cardcallback.processes.place import Place
from cardcallback.processes.ranks import Ranks
from cardcallback.processes.summary import (
    NodeSummary,
    load_summaries,
    summarize_node,
    summary_of_ranks,
    write_summary,
)

__all__ = [
    "MeasuredNode",
    "NodeSummary",
    "Place",
    "ProcessPart",
    "Ranks",
    "load_summaries",
    "merge_nodes",
    "names_of_first",
    "remove_job",
    "summarize_node",
    "summary_of_ranks",
    "write_summary",
]
