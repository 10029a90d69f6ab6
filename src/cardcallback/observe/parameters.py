"""How many parameters there are, how many are trained, and in which precision."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from cardcallback.observe.plain import Listing, class_names, dtype_name, integer, own_table, read
from cardcallback.record import Quantization

_PACKED = frozenset({"Params4bit"})  # two parameters in each stored byte
_PRECISIONS = {
    "bf16": "bf16 mixed precision",
    "fp16": "fp16 mixed precision",
    "fp8": "fp8 mixed precision",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Parameters:
    """Counts over the whole model, adapter included; ``dtype`` is that of most unquantised weights.

    ``total`` and ``trainable`` are ``None`` where the model object holds only a shard or another form of them.
    """

    total: int | None = None
    trainable: int | None = None
    dtype: str | None = None
    trained_dtype: str | None = None

    @property
    def all_trained(self) -> bool:
        """Whether no parameter is frozen."""
        return self.total is not None and self.total == self.trainable


def count_parameters(model: object, listing: Listing, quantization: Quantization | None) -> Parameters:
    """Count the parameters of every module; tied weights once, 4-bit weights as what they stand for.

    An adapter that is loaded beside the active one, such as the reference that DPO trains against, is left out.
    """
    if _hides_sizes(model, quantization):
        return Parameters()
    aside = _adapters_aside(model)
    listing = [(name, module) for name, module in listing if name.rpartition(".")[2] not in aside]
    total, trainable = 0, 0
    held: Counter[Any] = Counter()
    trained: Counter[Any] = Counter()
    for parameter in _parameters(listing):
        size = _size(parameter)
        total += size
        dtype = read(parameter, "dtype")
        held[dtype] += size
        if read(parameter, "requires_grad") is True:
            trainable += size
            trained[dtype] += size
    # GPTQ, AWQ and their like keep packed weights in buffers, which parameters() does not list.
    whole = quantization is None or quantization.method == "bitsandbytes"
    return Parameters(
        total=total if whole and total else None,
        trainable=trainable if total else None,
        dtype=_most(held),
        trained_dtype=_most(trained),
    )


def _parameters(listing: Listing) -> Iterator[Any]:
    """Each parameter once, also where layers share it."""
    seen: set[int] = set()
    for _, module in listing:
        for parameter in (own_table(module, "_parameters") or {}).values():
            if parameter is not None and id(parameter) not in seen:
                seen.add(id(parameter))
                yield parameter


def _adapters_aside(model: object) -> frozenset[str]:
    """The names of the adapters that are not active; PEFT keeps each one's weights in modules of its name."""
    configs, active = read(model, "peft_config"), read(model, "active_adapters")
    if not isinstance(configs, dict) or not isinstance(active, (list, tuple)):
        return frozenset()
    return frozenset(map(str, configs)) - frozenset(map(str, active))


def _most(sizes: Counter[Any]) -> str | None:
    """The commonest floating-point type; packed integers hold quantised weights and are none."""
    named: Counter[str] = Counter()
    for dtype, size in sizes.items():
        name = dtype_name(dtype)
        if name is not None:
            named[name] += size
    return named.most_common(1)[0][0] if named else None


def _hides_sizes(model: object, quantization: Quantization | None) -> bool:
    names = class_names(model)
    # FSDP's second version keeps parameters that know their whole size, but not how many a packed one stands for.
    return any("FullySharded" in name for name in names) or ("FSDPModule" in names and quantization is not None)


def _size(parameter: Any) -> int:
    # DeepSpeed's third stage leaves an empty parameter that remembers its size.
    sharded = integer(getattr(parameter, "__dict__", {}).get("ds_numel"))
    size = sharded or int(parameter.numel())
    if type(parameter).__name__ in _PACKED and read(parameter, "quant_state") is not None:
        storage = integer(read(read(parameter, "quant_storage"), "itemsize")) or 1
        return size * 2 * storage
    return size


def find_precision(args: object, trainer: object, parameters: Parameters) -> str | None:
    """The training regime in the Hub template's words ("bf16 mixed precision", "fp32")."""
    mode = read(read(trainer, "accelerator"), "mixed_precision")
    if not isinstance(mode, str):
        mode = "bf16" if read(args, "bf16") is True else "fp16" if read(args, "fp16") is True else "no"
    if mode in _PRECISIONS:
        return _PRECISIONS[mode]
    if parameters.trained_dtype == "fp32":
        return "fp32"
    return f"{parameters.trained_dtype} non-mixed precision" if parameters.trained_dtype else None


def find_method(adapter: str | None, quantization: Quantization | None, parameters: Parameters) -> str | None:
    """Name the method ("QLoRA", "LoRA", "full fine-tuning"); ``adapter`` is the adapter method's name or ``None``."""
    if adapter is not None:
        four_bit = quantization is not None and quantization.bits == 4
        return "QLoRA" if adapter == "LoRA" and four_bit else adapter
    if parameters.trainable is None or parameters.total is None:
        return None
    if parameters.trainable == 0:
        return None
    return "full fine-tuning" if parameters.all_trained else "fine-tuning of part of the weights"
