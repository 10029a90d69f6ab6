"""Which GPU a name means: never another one that sounds like it."""

from __future__ import annotations

import re

import pytest

from cardcallback.catalogue import find_gpu, gpu_of_nvml_name, gpu_rows, gpus_named_in
from cardcallback.errors import CardCallbackError


@pytest.mark.parametrize(
    ("name", "row"),
    [
        ("GB10", "GB10 (DGX Spark)"),
        ("NVIDIA GB10", "GB10 (DGX Spark)"),
        ("dgx spark", "GB10 (DGX Spark)"),
        ("h100 sxm", "H100 SXM"),
        ("NVIDIA H100 80GB HBM3", "H100 SXM"),
        ("A100-80GB SXM", "A100 SXM 80GB"),
        ("A100-SXM4-40GB", "A100 SXM 40GB"),
        ("NVIDIA H200", "H200 SXM"),
        ("L4", "L4"),
        ("rtx 4090", "RTX 4090"),
        ("Tesla T4", "T4"),
    ],
)
def test_a_name_finds_its_row(name: str, row: str) -> None:
    """As people write it, as shops sell it, as the driver reports it."""
    assert find_gpu(name).name == row


@pytest.mark.parametrize("name", ["H100", "A100 80GB", "A100 80 GB", "H200", "RTX PRO 6000"])
def test_a_name_of_several_is_refused(name: str) -> None:
    """Their rated powers differ, by up to two times."""
    with pytest.raises(CardCallbackError, match=r"is more than one: give .* or "):
        find_gpu(name)


@pytest.mark.parametrize(
    "name", ["L40", "RTX 5090 Laptop GPU", "RTX 4090 D", "V100", "A800", "H20", "DGX", "Jetson AGX", "", "x" * 100]
)
def test_what_is_not_listed_is_unknown(name: str) -> None:
    """A laptop's, a cut-down or an older GPU never gets its namesake's power."""
    with pytest.raises(CardCallbackError, match="--watts"):
        find_gpu(name)


def test_a_driver_name_finds_one_row_at_most() -> None:
    """The patterns keep H200 from H200 NVL, and B200 from GB200."""
    names = ["NVIDIA H200", "NVIDIA H200 NVL", "NVIDIA B200", "NVIDIA GB200", "NVIDIA L4", "NVIDIA L40S", "NVIDIA GB10"]
    for name in names:
        assert sum(bool(re.search(row.nvml_pattern, name)) for row in gpu_rows()) == 1
    assert gpu_of_nvml_name("NVIDIA GeForce RTX 5090 Laptop GPU") is None


def test_every_row_has_its_source() -> None:
    """No figure without who gave it."""
    for row in gpu_rows():
        assert row.source
        assert row.tdp_watts > 0
        assert (row.embodied_kilograms is None) == (row.embodied_source is None)
    assert find_gpu("GB10").embodied_kilograms is None


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("trained on 8 x H100-PCIe cards", ["H100 PCIe"]),
        ("trained on an H100", ["H100 NVL", "H100 PCIe", "H100 SXM"]),
        ("a DGX Spark", ["GB10 (DGX Spark)"]),
        ("NVIDIA A100-SXM4-80GB", ["A100 SXM 80GB"]),
        ("one A100", ["A100 PCIe 80GB", "A100 PCIe 40GB", "A100 SXM 80GB", "A100 SXM 40GB"]),
        ("by Thor, on L40 and H1000", []),
        ("an RTX PRO 6000 Blackwell Max-Q", ["RTX PRO 6000 Blackwell Max-Q"]),
        ("RTX 4090 and L4", ["RTX 4090", "L4"]),
    ],
)
def test_running_text_names_what_it_can_mean(text: str, names: list[str]) -> None:
    """The longer name is meant; of a family's name each of its rows may be."""
    assert {row.name for row in gpus_named_in(text)} == set(names)
