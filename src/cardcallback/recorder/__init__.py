"""Reading sensors on a schedule, from a session's begin to its end."""

from cardcallback.recorder.clock import Clock, SystemClock, utc_today
from cardcallback.recorder.opening import BackgroundOpening, EarlyReading, open_in_background
from cardcallback.recorder.readings import EnergiesNow, ReadingsNow
from cardcallback.recorder.recorder import Recorder
from cardcallback.recorder.recording import Recording

__all__ = [
    "BackgroundOpening",
    "Clock",
    "EarlyReading",
    "EnergiesNow",
    "ReadingsNow",
    "Recorder",
    "Recording",
    "SystemClock",
    "open_in_background",
    "utc_today",
]
