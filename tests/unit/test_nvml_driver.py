"""NVML by name, through a binding that is not what it should be."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from cardcallback.sensors.nvml_driver import NvmlDriver
from cardcallback.sensors.nvml_errors import NvmlCallError


class BindingError(Exception):
    """The binding's own error."""

    def __init__(self, value: int) -> None:
        super().__init__(value)
        self.value = value


class MismatchError(Exception):
    """What a binding newer than its driver raises, which is not of its own kind."""


def _raising(error: BaseException) -> object:
    def call(*_: object) -> object:
        raise error

    return call


def _driver(**calls: object) -> NvmlDriver:
    names = {
        "nvmlInit": lambda: None,
        "nvmlDeviceGetCount": lambda: 1,
        "nvmlDeviceGetHandleByIndex": lambda index: index,
    } | calls
    return NvmlDriver(SimpleNamespace(NVMLError=BindingError, NVMLLibraryMismatchError=MismatchError, **names))


@pytest.mark.parametrize(
    ("call", "code"),
    [
        (None, 13),
        (_raising(MismatchError()), 13),
        (_raising(BindingError(15)), 15),
        (_raising(UnicodeDecodeError("utf-8", b"\xff", 0, 1, "x")), 999),
        (_raising(MemoryError()), 999),
        (_raising(OverflowError()), 999),
        (_raising(OSError()), 999),
    ],
)
def test_whatever_a_binding_does_is_a_code(call: object, code: int) -> None:
    """A call that this binding or driver lacks, an answer that cannot be decoded: an error with its code."""
    driver = _driver(**({} if call is None else {"nvmlDeviceGetPowerUsage": call}))
    with pytest.raises(NvmlCallError) as caught:
        driver.ask("PowerUsage", 0)
    assert caught.value.code == code


def _element(code: int, kind: int, **value: object) -> object:
    return SimpleNamespace(nvmlReturn=code, valueType=kind, value=SimpleNamespace(**value))


@pytest.mark.parametrize(
    ("element", "code"),
    [
        (_element(3, 1, uiVal=7), 3),
        (_element(0, 40), 999),
        (_element(0, 0, dVal=float("nan")), 999),
        (_element(0, 0, dVal=float("inf")), 999),
    ],
)
def test_an_element_that_is_no_value_is_a_code(element: object, code: int) -> None:
    """A field that failed inside a call that succeeded, of an unknown type, or no number."""
    with pytest.raises(NvmlCallError) as caught:
        _driver(nvmlDeviceGetFieldValues=lambda *_: [element]).ask_field(0, 186, 0)
    assert caught.value.code == code


def test_an_element_is_read_by_its_type() -> None:
    """Power may come as any of NVML's kinds of number."""
    for kind, name in enumerate(("dVal", "uiVal", "ulVal", "ullVal", "sllVal", "siVal", "usVal")):
        element = _element(0, kind, **{name: 55_000})
        assert _driver(nvmlDeviceGetFieldValues=lambda *_, one=element: [one]).ask_field(0, 186, 0) == 55_000


def test_a_list_that_grew_between_two_calls_is_asked_again() -> None:
    """More processes came while the binding made room: once more, and then it is an error."""
    answers: list[object] = [BindingError(7), [SimpleNamespace(pid=3, usedGpuMemory=5)], *[BindingError(7)] * 2]

    def listed(_: object) -> object:
        answer = answers.pop(0)
        if isinstance(answer, BindingError):
            raise answer
        return answer

    driver = _driver(nvmlDeviceGetComputeRunningProcesses=listed)
    assert [(one.pid, one.used_bytes) for one in driver.processes(0)] == [(3, 5)]
    with pytest.raises(NvmlCallError):
        driver.processes(0)


def test_a_number_that_is_another_gpus_now_is_not_taken() -> None:
    """After a restart NVML may count otherwise: a GPU that its UUID does not find is gone, whoever has its number."""
    uuids = ["GPU-a"]
    running = [True]

    def uuid_of(_: object) -> str:
        if not running[0]:
            running[0] = True
            raise BindingError(1)
        return uuids[-1]

    driver = _driver(nvmlDeviceGetUUID=uuid_of, nvmlDeviceGetHandleByUUID=_raising(BindingError(6)))
    assert driver.uuid(0) == "GPU-a"
    uuids.append("GPU-b")
    running[0] = False
    with pytest.raises(NvmlCallError) as caught:
        driver.ask("UUID", 0)
    assert caught.value.code == 28


def test_a_gpu_without_a_uuid_is_not_looked_for_among_fewer() -> None:
    """One GPU fell off and the others moved up: its number is another's now, until as many are listed as before."""
    listed = [2]
    lost = [False]

    def power_of(_: object) -> int:
        if lost.pop():
            raise BindingError(15)
        return 55_000

    driver = _driver(nvmlDeviceGetCount=lambda: listed[0], nvmlDeviceGetPowerUsage=power_of)
    assert driver.uuid(0) is None
    assert driver.ask("PowerUsage", 0) == 55_000
    lost += [False, True]
    with pytest.raises(NvmlCallError):
        driver.ask("PowerUsage", 0)
    listed[0] = 1
    with pytest.raises(NvmlCallError) as caught:
        driver.ask("PowerUsage", 0)
    assert caught.value.code == 28
    listed[0] = 2
    assert driver.ask("PowerUsage", 0) == 55_000


def test_samples_that_came_between_the_bindings_two_calls_are_asked_for_again() -> None:
    """It asks for the size first: an answer that has grown since is too large once."""
    sample = SimpleNamespace(timeStamp=5, sampleValue=SimpleNamespace(uiVal=100_000))
    answers = [BindingError(7), (1, [sample])]

    def samples(*_: object) -> object:
        answer = answers.pop(0)
        if isinstance(answer, BindingError):
            raise answer
        return answer

    assert _driver(nvmlDeviceGetSamples=samples).power_samples(0, 0) == [(5, 100_000)]
