"""A run's figures in the trackers that its trainer logs to: live beside the losses, and a summary at the end."""

from cardcallback.trackers.live_log import LiveLog
from cardcallback.trackers.stopping import StopsWithSummary
from cardcallback.trackers.summary import Summary, run_summary

__all__ = ["LiveLog", "StopsWithSummary", "Summary", "run_summary"]
