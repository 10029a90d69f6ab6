"""Records of machines whose parts beside the GPU were measured, or estimated; made from ``make_record``."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace
from section_energy import consistent

from cardcallback.carbon import assess_footprint, factor_for, find_place
from cardcallback.record import Hardware, InstrumentAccuracy, Machine, Measurement, RunRecord, Scope, not_measured
from cardcallback.rest import with_rest_estimate
from cardcallback.sensors.nvml_power import ADA, Part, power_accuracy
from cardcallback.testing import make_measurement, make_record
from cardcallback.units import JOULES_PER_WATT_HOUR

_SPARK = {"gpu_memory": "unknown", "host_dram": "unknown", "network": "unknown", "regulators": "unknown"}
_EVERYTHING = dict.fromkeys(Scope.__struct_fields__, "yes")
_RTX_4090 = Part(name="NVIDIA GeForce RTX 4090", architecture=ADA)
_MODULE = Scope(gpu_core="yes", gpu_memory="yes", cpu="yes", host_dram="unknown", regulators="unknown")


def _energy(
    watt_hours: float, source: str, scope: Scope, *covers: str, doubt: float = 0.0005, **more: Any
) -> Measurement:
    joules = watt_hours * JOULES_PER_WATT_HOUR
    fields: dict[str, Any] = {
        "recording_low": joules * (1 - doubt),
        "recording_high": joules * (1 + doubt),
        "scope": scope,
        "covers": covers,
        "longest_gap_seconds": 0.0,
    }
    method = more.pop("method", "counter")
    return make_measurement(joules, "joules", source, method, **(fields | more))


def _with(record: RunRecord, **figures: Any) -> RunRecord:
    return replace(record, energy=replace(record.energy, **figures))


def _in_germany(record: RunRecord) -> RunRecord:
    return replace(record, carbon=assess_footprint(record.energy, factor_for(find_place("DE")), None).carbon)


@consistent
def spark_with_driver() -> RunRecord:
    """A Spark with the community driver: machine, cores, and the firmware's own counters of package and GPU."""
    machine = Scope(gpu_core="yes", cpu="yes", **_SPARK)
    package = Scope(gpu_core="yes", cpu="yes", **(_SPARK | {"network": "no"}))
    cores = Scope(cpu="yes", regulators="unknown")
    return _in_germany(
        _with(
            make_record(),
            system=_energy(
                *(219.0, "hwmon:spbm:sys_total", machine, "whole machine behind its power supply"),
                doubt=0.008,
                method="integrated_power",
                sampling_interval_seconds=0.2,
            ),
            cpu=_energy(*(21.4, "hwmon:spbm:cpu_p + hwmon:spbm:cpu_e", cores, "performance cores", "efficiency cores")),
            dram=not_measured("joules", "no RAPL energy counter on this machine"),
            others=(
                _energy(171.0, "hwmon:spbm:pkg", package, "chip package, GPU and CPU included"),
                _energy(
                    *(128.0, "hwmon:spbm:gpu", Scope(gpu_core="yes", gpu_memory="unknown", regulators="unknown")),
                    "GPU by the firmware's own counter",
                ),
            ),
        )
    )


@consistent
def two_socket_server() -> RunRecord:
    """A server without a GPU: two sockets and their memory by RAPL, and the platform that holds them."""
    record = make_record()
    no_driver = "no NVIDIA driver found"
    absent = not_measured("joules", no_driver)
    no_cuda = not_measured("bytes", "PyTorch has no CUDA here")
    package = Scope(cpu="yes", regulators="unknown")
    platform = Scope(
        cpu="yes",
        **dict.fromkeys(("gpu_core", "gpu_memory", "host_dram", "network", "regulators", "supply_loss"), "unknown"),
    )
    sockets = ("processor socket 0", "processor socket 1")
    record = _with(
        record,
        gpu=absent,
        gpu_counter=absent,
        gpu_integrated=absent,
        before_training=absent,
        phases=(),
        consistency=None,
        per_step=not_measured("joules/step", no_driver),
        per_token=not_measured("joules/token", no_driver),
        cpu=_energy(512.0, "rapl:package-0 + rapl:package-1", package, *sockets),
        dram=_energy(
            *(61.0, "rapl:package-0:dram + rapl:package-1:dram", Scope(host_dram="yes", regulators="unknown")),
            *(f"memory of {socket}" for socket in sockets),
        ),
        others=(_energy(698.0, "rapl:psys", platform, "platform (psys), processor included"),),
    )
    machine = Machine(processor="Intel Xeon Gold 6430", processor_count=128)
    return replace(
        record,
        hardware=Hardware(accelerators_reason=no_driver, machine=machine),
        software={name: number for name, number in record.software.items() if name != "driver"},
        memory=replace(
            record.memory,
            torch_peak_allocated=no_cuda,
            torch_peak_reserved=no_cuda,
            accelerator_process_peak=not_measured("bytes", no_driver),
        ),
        traces=tuple(trace for trace in record.traces if trace.quantity != "gpu_power"),
        notes=("processor socket 0: the energy counter wrapped 7 times, which was corrected.",),
    )


@consistent
def gh200_with_meters() -> RunRecord:
    """A GH200: the module's counter holds the processor, whose own meter is shown and added to nothing."""
    record = make_record()
    gpu = replace(record.energy.gpu, scope=_MODULE, covers=("NVIDIA GH200 480GB module",), value=3.8e6)
    gpu = replace(gpu, recording_low=3.798e6, recording_high=3.802e6)
    device = record.hardware.accelerators[0]
    power = replace(device.mean_power, scope=_MODULE, value=565.0) if device.mean_power else None
    device = replace(device, name="NVIDIA GH200 480GB", energy=gpu, mean_power=power, memory_total_bytes=96 * 2**30)
    machine = Machine(processor="Neoverse V2", processor_count=72, unified_memory=False)
    meter: dict[str, Any] = {"method": "integrated_power", "sampling_interval_seconds": 0.2, "doubt": 0.012}
    grace = Scope(cpu="yes", host_dram="unknown", regulators="unknown")
    figures = {
        "gpu": gpu,
        "gpu_counter": gpu,
        "cpu": _energy(176.0, "hwmon:power_meter:grace:0", grace, "Grace processor socket 0", **meter),
        "dram": not_measured("joules", "no RAPL energy counter on this machine"),
        "others": (
            _energy(
                *(1049.0, "hwmon:power_meter:module:0", _MODULE, "module socket 0, GPU and processor included"),
                **meter,
            ),
        ),
    }
    return _with(replace(record, hardware=Hardware(accelerators=(device,), machine=machine)), **figures)


@consistent
def smart_plug() -> RunRecord:
    """A workstation on a smart plug beside a board meter: the plug is the machine's figure."""
    record = make_record()
    scope = Scope(gpu_core="yes", gpu_memory="yes")
    gpu = replace(record.energy.gpu, scope=scope, covers=("NVIDIA GeForce RTX 4090",))
    device = replace(record.hardware.accelerators[0], name="NVIDIA GeForce RTX 4090", energy=gpu)
    accuracy = InstrumentAccuracy(statement="not published (it shows steps of 1 W and of 0.001 kWh)")
    package = Scope(cpu="yes", host_dram="unknown", regulators="unknown")
    second = {"doubt": 0.01, "method": "integrated_power", "sampling_interval_seconds": 1.0}
    record = _with(
        record,
        gpu=gpu,
        gpu_counter=gpu,
        gpu_integrated=replace(
            record.energy.gpu_integrated, scope=scope, covers=gpu.covers, instrument_accuracy=power_accuracy(_RTX_4090)
        ),
        system=_energy(
            *(236.0, "smart plug", Scope(**_EVERYTHING), "everything on the plug"),
            doubt=0.025,
            instrument_accuracy=accuracy,
        ),
        cpu=_energy(64.0, "rapl:package-0", package, "processor socket 0"),
        dram=not_measured("joules", "RAPL has no memory counter on this machine"),
        others=(
            _energy(233.0, "second plug", Scope(**_EVERYTHING), "everything on the plug", **second),
            _energy(249.0, "socket strip", Scope(**_EVERYTHING), "the strip the plug is in", **second),
        ),
    )
    machine = Machine(processor="AMD Ryzen 9 7950X", processor_count=32, unified_memory=False)
    return _in_germany(replace(record, hardware=Hardware(accelerators=(device,), machine=machine)))


@consistent
def rest_estimated() -> RunRecord:
    """A Spark without the driver whose user asked for an estimate of the rest."""
    return with_rest_estimate(make_record())


@consistent
def rest_not_estimated() -> RunRecord:
    """The same on a card around which nothing is published."""
    record = smart_plug()
    unmeasured = not_measured("joules", "no sensor for it on this machine")
    return _in_germany(with_rest_estimate(_with(record, system=unmeasured, others=())))


MACHINES = {
    "spark_with_driver": spark_with_driver,
    "two_socket_server": two_socket_server,
    "gh200_with_meters": gh200_with_meters,
    "smart_plug": smart_plug,
    "rest_estimated": rest_estimated,
    "rest_not_estimated": rest_not_estimated,
}
