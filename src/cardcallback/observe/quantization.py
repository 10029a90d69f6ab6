"""How the base weights are held: from the quantised modules themselves, then from the configuration."""

from __future__ import annotations

import re
from typing import Any

from cardcallback.observe.plain import Listing, choice, dtype_name, flag, holds, integer, read, unwrapped
from cardcallback.record import Quantization

_METHODS = frozenset(
    [
        "bitsandbytes",
        "gptq",
        "awq",
        "aqlm",
        "vptq",
        "quanto",
        "eetq",
        "higgs",
        "hqq",
        "compressed-tensors",
        "fbgemm_fp8",
        "torchao",
        "gguf",
        "bitnet",
        "spqr",
        "fp8",
        "quark",
        "fp_quant",
        "auto-round",
        "mxfp4",
        "nvfp4",
        "mxfp8",
        "metal",
        "fouroversix",
        "sinq",
        "gemma",
    ]
)
_BITS = {"fp8": 8, "fbgemm_fp8": 8, "mxfp8": 8, "mxfp4": 4, "nvfp4": 4, "eetq": 8}
_KINDS = {
    "fp8": "FP8",
    "fbgemm_fp8": "FP8",
    "mxfp8": "MXFP8",
    "mxfp4": "MXFP4",
    "nvfp4": "NVFP4",
    "eetq": "INT8",
    "gptq": "GPTQ",
    "awq": "AWQ",
    "gguf": "GGUF",
}
_FOUR_BIT = frozenset({"nf4", "fp4"})
_LARGEST_BITS = 16
_NOTED = re.compile(r"[A-Za-z0-9_-]{1,20}( [A-Za-z0-9_-]{1,20})?")


def observe_quantization(model: object, listing: Listing) -> Quantization | None:
    """The quantisation of the base weights while training; ``None`` where they are not quantised."""
    bare = unwrapped(model)
    config = _configuration(bare)
    method = choice(read(config, "quant_method"), _METHODS)
    held = _bitsandbytes_modules(listing, config)
    if held is not None:
        return Quantization(**held, loaded_from=_earlier(bare, method))
    named = method or "bitsandbytes"  # whose flags on the model need no configuration
    if named == "bitsandbytes":
        return _from_flags(bare, config)
    if named == "gguf" and read(config, "dequantize") is True:
        return None
    bits = integer(read(config, "bits")) or integer(read(config, "weight_bits")) or _BITS.get(named)
    return Quantization(
        method=named,
        bits=bits if bits is not None and 0 < bits <= _LARGEST_BITS else None,
        kind=_KINDS.get(named),
    )


def _earlier(model: object, method: str | None) -> str | None:
    """A quantisation the weights went through before: a file's, or what whoever unpacked it noted.

    ``config.dequantized_from`` is that note ("GGUF Q4_K_M"); it survives ``save_pretrained``.
    """
    if method not in {None, "bitsandbytes"}:
        return _KINDS.get(method, method)
    noted = read(read(model, "config"), "dequantized_from")
    return noted if isinstance(noted, str) and _NOTED.fullmatch(noted) else None


def _configuration(model: object) -> Any:
    """The quantisation configuration as an object or mapping, wherever the model keeps it."""
    for holder, name in (
        (read(model, "hf_quantizer"), "quantization_config"),
        (read(model, "config"), "quantization_config"),
    ):
        found = read(holder, name)
        if found is not None:
            return found
    return None


def _bitsandbytes_modules(listing: Listing, config: object) -> dict[str, Any] | None:
    eight_bit = None
    for _, module in listing:
        name = type(module).__name__
        # PEFT wraps each in a class of the same name, whose weight is the wrapped one's.
        if name == "Linear4bit" and not holds(module, "lora_A"):
            return _four_bit(module, config)
        if name == "Linear8bitLt" and not holds(module, "lora_A"):
            eight_bit = module
    if eight_bit is None:
        return None
    return {"method": "bitsandbytes", "bits": 8, "kind": "INT8"}


def _four_bit(module: object, config: object) -> dict[str, Any]:
    weight = read(module, "weight")
    kind = choice(read(weight, "quant_type"), _FOUR_BIT) or choice(read(config, "bnb_4bit_quant_type"), _FOUR_BIT)
    double = flag(read(weight, "compress_statistics"))
    if double is None:
        double = flag(read(config, "bnb_4bit_use_double_quant"))
    # The configuration says what was asked for; the module's own field changes with its first input.
    compute = dtype_name(read(config, "bnb_4bit_compute_dtype")) or dtype_name(read(module, "compute_dtype"))
    return {
        "method": "bitsandbytes",
        "bits": 4,
        "kind": kind.upper() if kind else None,
        "double": double,
        "compute_dtype": compute,
    }


def _from_flags(model: object, config: object) -> Quantization | None:
    if read(config, "load_in_4bit") is True or read(model, "is_loaded_in_4bit") is True:
        return Quantization(**_four_bit(None, config))
    if read(config, "load_in_8bit") is True or read(model, "is_loaded_in_8bit") is True:
        return Quantization(method="bitsandbytes", bits=8, kind="INT8")
    return None
