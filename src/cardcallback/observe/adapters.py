"""PEFT's active adapter: which kind it is, and what those kinds have that are no LoRA."""

from __future__ import annotations

from typing import Any

from cardcallback.observe.plain import Listing, flag, holds, number, own_table, read, word
from cardcallback.record import Adapter, Scalar

LORA_TYPES = frozenset({"LORA", "ADALORA"})
_NAMES = {
    "LORA": "LoRA",
    "ADALORA": "AdaLoRA",
    "ADAMSS": "AdaMSS",
    "ADAPTION_PROMPT": "LLaMA-Adapter",
    "IA3": "IA3",
    "PROMPT_TUNING": "prompt tuning",
    "MULTITASK_PROMPT_TUNING": "multitask prompt tuning",
    "PREFIX_TUNING": "prefix tuning",
    "P_TUNING": "p-tuning",
    "CPT": "context-aware prompt tuning",
    "LOHA": "LoHa",
    "LOKR": "LoKr",
    "OFT": "OFT",
    "BOFT": "BOFT",
    "VERA": "VeRA",
    "PVERA": "PVeRA",
    "FOURIERFT": "FourierFT",
    "WAVEFT": "WaveFT",
    "LN_TUNING": "LayerNorm tuning",
    "HRA": "HRA",
    "BONE": "Bone",
    "MISS": "MiSS",
    "RANDLORA": "RandLoRA",
    "VBLORA": "VB-LoRA",
    "UNILORA": "Uni-LoRA",
    "TINYLORA": "TinyLoRA",
    "XLORA": "X-LoRA",
    "GLORA": "GLoRA",
    "GRALORA": "GraLoRA",
    "DELORA": "DeLoRA",
    "HIRA": "HiRA",
    "LILY": "Lily",
    "FROD": "FRoD",
    "ROAD": "RoAd",
    "SHIRA": "SHiRA",
    "POLY": "Polytropon",
    "PEANUT": "PEANuT",
    "CARTRIDGE": "Cartridge",
    "TRAINABLE_TOKENS": "training of single tokens' embeddings",
}
# What PEFT keeps beside them is about files, or about the base model's shape.
_NO_SETTINGS = frozenset(
    [
        "inference_mode",
        "fan_in_fan_out",
        "token_dim",
        "num_layers",
        "num_attention_heads",
        "num_transformer_submodules",
        "progressbar",
    ]
)
_NO_SETTING_BEGINS = ("init_", "save_")
# Words may say anything, so those that are known to be a choice of the method's.
_CHOICES = frozenset(
    [
        "bias",
        "decomposition_method",
        "encoder_reparameterization_type",
        "mask_type",
        "opt_weighted_loss_type",
        "poly_type",
        "prompt_tuning_init",
        "variant",
        "wavelet_family",
    ]
)
_OFF = frozenset({"none", "NONE"})
_MOST_SETTINGS = 12


def adapter_config(model: object) -> Any:
    """The configuration of the active adapter; ``None`` without PEFT."""
    configs = read(model, "peft_config")
    if not isinstance(configs, dict) or not configs:
        return None
    return configs.get(active_adapter(model), next(iter(configs.values())))


def active_adapter(model: object) -> str | None:
    """The name of the adapter that is trained; the first of several."""
    active = read(model, "active_adapter")
    if isinstance(active, (list, tuple)):
        active = active[0] if active else None
    return active if isinstance(active, str) else None


def adapter_type(config: object) -> str | None:
    """PEFT's own name of the method, in capitals ("LORA"); ``None`` without an adapter."""
    found = word(read(config, "peft_type"))
    return found.upper() if found else None


def adapter_name(config: object) -> str | None:
    """The method's name as its papers write it ("LoRA", "prefix tuning")."""
    kind = adapter_type(config)
    return None if kind is None else _NAMES.get(kind, kind)


def observe_adapter(model: object, listing: Listing) -> Adapter | None:
    """The active adapter where it is no LoRA, with the settings that its own kind has; ``None`` without one."""
    config = adapter_config(model)
    name = adapter_name(config)
    if name is None or adapter_type(config) in LORA_TYPES:
        return None
    return Adapter(
        kind=name,
        settings=_settings(config),
        target_modules=_wrapped_modules(listing),
        also_trained=also_trained(listing),
    )


def also_trained(listing: Listing) -> tuple[str, ...]:
    """The modules that PEFT trains and saves whole beside the adapter, or single tokens' rows of them."""
    found: dict[str, None] = {}
    for name, module in listing:
        leaf = word(name.rpartition(".")[2])
        if leaf and holds(module, "modules_to_save"):
            found[leaf] = None
        elif leaf and holds(module, "token_adapter"):
            found[f"{leaf} (single tokens)"] = None
    return tuple(found)


def _settings(config: object) -> dict[str, Scalar]:
    """What is on, in the order of PEFT's own configuration: numbers, switches, and choices of the method."""
    found: dict[str, Scalar] = {}
    for name in getattr(type(config), "__dataclass_fields__", {}):
        if name in _NO_SETTINGS or name.startswith(_NO_SETTING_BEGINS):
            continue
        value = read(config, name)
        setting = flag(value) or number(value) or (word(value) if name in _CHOICES else None)
        if setting and setting not in _OFF:
            found[name] = setting
    return dict(list(found.items())[:_MOST_SETTINGS])


def _wrapped_modules(listing: Listing) -> tuple[str, ...]:
    """The layers that PEFT put its own around; it keeps the original as ``base_layer``."""
    leaves = {
        name.rpartition(".")[2] for name, module in listing if "base_layer" in (own_table(module, "_modules") or {})
    }
    return tuple(sorted(leaf for leaf in leaves if word(leaf)))
