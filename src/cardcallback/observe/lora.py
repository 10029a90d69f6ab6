"""LoRA and its relatives: rank, alpha and the modules that PEFT really wrapped."""

from __future__ import annotations

from typing import Any

from cardcallback.observe.adapters import LORA_TYPES, active_adapter, adapter_config, adapter_type, also_trained
from cardcallback.observe.plain import Listing, holds, integer, number, own_table, read, word
from cardcallback.record import Lora

_INITIALISATIONS = {
    "pissa": "PiSSA",
    "olora": "OLoRA",
    "loftq": "LoftQ",
    "eva": "EVA",
    "corda": "CorDA",
    "orthogonal": "orthogonal initialisation",
}


def observe_lora(model: object, listing: Listing) -> Lora | None:
    """Rank, alpha and targets of the active LoRA adapter; ``None`` where there is none."""
    config = adapter_config(model)
    if adapter_type(config) not in LORA_TYPES:
        return None
    rank = integer(read(config, "init_r")) if adapter_type(config) == "ADALORA" else integer(read(config, "r"))
    alpha = number(read(config, "lora_alpha"))
    if rank is None or alpha is None:
        return None
    adapted, all_linear = _targets(model, listing)
    return Lora(
        rank=rank,
        alpha=float(alpha),
        dropout=_float(read(config, "lora_dropout")),
        target_modules=adapted or _configured_targets(config),
        all_linear=all_linear,
        bias=word(read(config, "bias")),
        variants=_variants(config),
        also_trained=also_trained(listing),
    )


def _float(value: object) -> float | None:
    found = number(value)
    return None if found is None else float(found)


def _targets(model: object, listing: Listing) -> tuple[tuple[str, ...], bool | None]:
    """Names of the wrapped modules, and whether every linear layer but the output head is wrapped.

    PEFT replaces "all-linear" in its configuration by the names it found, so only the model can tell.
    """
    adapted: dict[str, None] = {}
    wrapped: set[str] = set()
    linear: list[tuple[str, Any]] = []
    active = active_adapter(model)
    for name, module in listing:
        if holds(module, "lora_A") and _has_adapter(module, active):
            leaf = word(name.rpartition(".")[2])
            if leaf:
                adapted[leaf] = None
            wrapped.add(name)
        elif "Linear" in type(module).__name__ or type(module).__name__ == "Conv1D":
            linear.append((name, module))
    if not adapted:
        return (), None
    heads = {id(head) for head in _output_heads(model)}
    untouched = any(id(module) not in heads and not _is_inside(name, wrapped) for name, module in linear)
    return tuple(sorted(adapted)), not untouched


def _has_adapter(module: object, active: str | None) -> bool:
    """Whether the adapter that is trained is in this layer, or only another one that was loaded beside it."""
    held = read(module, "lora_A")
    names = own_table(held, "_modules") or (held if isinstance(held, dict) else None)
    return names is None or active is None or active in names


def _is_inside(name: str, wrapped: set[str]) -> bool:
    while name:
        name = name.rpartition(".")[0]
        if name in wrapped:
            return True
    return False


def _output_heads(model: object) -> list[Any]:
    getter = read(model, "get_output_embeddings")
    if not callable(getter):
        return []
    try:
        head = getter()
    except (NotImplementedError, AttributeError):
        return []
    # A head that is itself trained (modules_to_save) is a wrapper around the linear layer.
    return [head, read(head, "original_module")]


def _configured_targets(config: object) -> tuple[str, ...]:
    targets = read(config, "target_modules")
    if isinstance(targets, str):
        targets = [targets]
    if not isinstance(targets, (list, set, tuple, frozenset)):
        return ()
    return tuple(sorted({leaf for target in targets if (leaf := word(str(target).rpartition(".")[2]))}))


def _variants(config: object) -> tuple[str, ...]:
    named = {"use_dora": "DoRA", "use_rslora": "rsLoRA", "use_qalora": "QALoRA"}
    found = [label for name, label in named.items() if read(config, name) is True]
    if adapter_type(config) == "ADALORA":
        target = integer(read(config, "target_r"))
        found.append(f"AdaLoRA, to r {target} on average" if target else "AdaLoRA")
    initialisation = read(config, "init_lora_weights")
    if isinstance(initialisation, str):
        known = _INITIALISATIONS.get(initialisation.partition("_niter_")[0].lower())
        found.extend([known] if known else [])
    if read(config, "rank_pattern"):
        found.append("rank differs by layer")
    if read(config, "alpha_pattern"):
        found.append("alpha differs by layer")
    return tuple(found)
