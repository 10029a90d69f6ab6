"""Faults of the recorder itself, outside any sensor's reading: told, and survived."""

from __future__ import annotations

import threading

from test_recorder import sensor

from cardcallback.recorder import Recorder
from cardcallback.sensors import SensorSet
from cardcallback.testing import FakeClock


class Faulty(Recorder):
    """A recorder whose passes fail the given number of times, without the wait between them."""

    left = 0

    def sample_due(self) -> float:
        """As its base's, after the faults."""
        if self.left == 0:
            return super().sample_due()
        self.left -= 1
        self._wake.set()
        raise ZeroDivisionError

    def join(self) -> None:
        """Wait for the thread's own end."""
        assert self._thread is not None
        self._thread.join(10.0)
        assert not self._thread.is_alive()


def _recorder(faults: int, read: threading.Event) -> Faulty:
    def value() -> float:
        read.set()
        return 8.0

    recorder = Faulty(SensorSet(sensors=(sensor("system_memory", value),)), clock=FakeClock())
    recorder.left = faults
    return recorder


def test_a_few_faults_are_told_once_and_measuring_goes_on() -> None:
    """Three faults: one sentence, and the readings after them are in the record."""
    read = threading.Event()
    recorder = _recorder(3, read)
    recorder.start()
    assert read.wait(10.0)
    recording = recorder.stop()
    assert recording.memory.system_peak.value == 8.0
    told = [note for note in recording.notes if "recorder itself" in note]
    assert len(told) == 1
    assert "(ZeroDivisionError)" in told[0]
    assert not any("stopped reading" in note for note in recording.notes)


def test_a_fault_that_stays_ends_the_reading_and_says_so() -> None:
    """After ten the thread ends by itself, and the card tells that it did."""
    recorder = _recorder(50, threading.Event())
    recorder.start()
    recorder.join()
    assert recorder.left == 40
    assert sum("stopped reading" in note for note in recorder.stop().notes) == 1
