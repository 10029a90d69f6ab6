"""The hardware that ships with the package: what a GPU may draw and what it cost to make, each with its source."""

from cardcallback.catalogue.hardware import GpuRow, find_gpu, gpu_of_nvml_name, gpu_rows, gpus_named_in

__all__ = ["GpuRow", "find_gpu", "gpu_of_nvml_name", "gpu_rows", "gpus_named_in"]
