"""Hyper-parameters by type, and nothing of a person among them."""

from __future__ import annotations

import enum
from types import MethodType, SimpleNamespace
from typing import Any

import msgspec
import pytest
from observe_stand_ins import SFT_TRAINER, named, observe

from cardcallback.observe.hyperparameters import observe_hyperparameters


class Scheduler(str, enum.Enum):
    """As transformers has it."""

    COSINE = "cosine"


SECRET = "hf_abcdefghijklmnopqrstuv"  # noqa: S105 - made up
LEAKY = SimpleNamespace(
    output_dir="/home/somebody/out",
    hub_token=SECRET,
    run_name="somebodys run",
    optim="/home/somebody/optim.py",
    lr_scheduler_type="../somebody",
    metric_for_best_model="eval_/home/somebody/x_loss",
    loss_type=["sigmoid", "/home/somebody"],
    packing_strategy="somebody",
    scale_rewards="somebody@example.com",
    logging_dir="/home/somebody/logs",
    resume_from_checkpoint="/home/somebody/c",
    max_length="somebody",
    seed="somebody",
)


def test_nothing_of_a_person_passes_the_allow_list() -> None:
    """Paths, tokens, names and addresses in any setting stay out of the record."""
    text = msgspec.json.encode(observe(SFT_TRAINER(), LEAKY)).decode()
    assert "somebody" not in text
    assert SECRET not in text


def test_settings_are_read_by_type() -> None:
    """Numbers, flags and known words; the rest is left out."""
    args = SimpleNamespace(
        learning_rate=2e-4,
        lr_scheduler_type=Scheduler.COSINE,
        optim="paged_adamw_8bit",
        seed=42,
        packing=False,
        packing_strategy="bfd",
        gradient_checkpointing=True,
        label_smoothing_factor=0.0,
        neftune_noise_alpha=None,
        max_grad_norm=float("inf"),
        num_train_epochs=3,
        max_steps=-1,
    )
    assert observe_hyperparameters(args, None, None) == {
        "learning_rate": 2e-4,
        "lr_scheduler_type": "cosine",
        "optim": "paged_adamw_8bit",
        "seed": 42,
        "packing": False,
        "gradient_checkpointing": True,
        "num_train_epochs": 3,
    }


def test_a_limit_of_steps_overrules_epochs() -> None:
    """With max_steps the number of epochs asked for is not what is trained."""
    found = observe_hyperparameters(SimpleNamespace(num_train_epochs=3.0, max_steps=500), None, None)
    assert found == {"max_steps": 500}


@pytest.mark.parametrize(
    ("args", "expected"),
    [
        ({"warmup_steps": 100, "warmup_ratio": 0.1}, {"warmup_steps": 100}),
        ({"warmup_steps": 0, "warmup_ratio": 0.03}, {"warmup_ratio": 0.03}),
        ({"warmup_steps": 0.03, "warmup_ratio": None}, {"warmup_ratio": 0.03}),
        ({"warmup_steps": 0, "warmup_ratio": 0.0}, {"warmup_steps": 0}),
        ({}, {}),
    ],
)
def test_warm_up_is_a_share_or_steps(args: dict[str, object], expected: dict[str, object]) -> None:
    """Transformers 4 has two settings, 5 has one that is a share below one."""
    assert observe_hyperparameters(SimpleNamespace(**args), None, None) == expected


def test_the_effective_batch_counts_devices_and_accumulation() -> None:
    """Per device times devices times accumulation times processes; split batches are not multiplied."""
    args = SimpleNamespace(
        per_device_train_batch_size=2, train_batch_size=4, n_gpu=2, gradient_accumulation_steps=8, world_size=3
    )
    assert observe_hyperparameters(args, None, None)["effective_batch_size"] == 96
    args.accelerator_config = SimpleNamespace(split_batches=True)
    assert observe_hyperparameters(args, None, None)["effective_batch_size"] == 32


def test_the_trainers_own_batch_figure_wins() -> None:
    """It knows of tensor and sequence parallelism."""
    trainer = SimpleNamespace(get_total_train_batch_size=lambda _: 16)
    args = SimpleNamespace(train_batch_size=4, gradient_accumulation_steps=8, world_size=3)
    assert observe_hyperparameters(args, trainer, None)["effective_batch_size"] == 16


@pytest.mark.parametrize(
    ("optim", "has_betas"),
    [("adafactor", False), ("galore_adafactor", False), ("adalomo", False), ("adamw_torch", True), ("lion_8bit", True)],
)
def test_only_what_the_optimiser_uses(optim: str, has_betas: bool) -> None:  # noqa: FBT001 - a column
    """Every Trainer's arguments hold Adam's settings, whatever trains."""
    args = SimpleNamespace(optim=optim, adam_beta1=0.9, adam_beta2=0.999, adam_epsilon=1e-8)
    found = observe_hyperparameters(args, None, None)
    assert ("adam_beta1" in found, "adam_epsilon" in found) == (has_betas, has_betas)


def test_an_optimiser_handed_in_outranks_the_arguments() -> None:
    """The arguments still say AdamW at 5e-5 when somebody passes SGD at 0.1."""
    sgd = named("SGD", module="torch.optim.sgd", param_groups=[{"lr": 0.0, "initial_lr": 0.1}, {"lr": 0.1}])()
    args = SimpleNamespace(optim="adamw_torch", learning_rate=5e-5, adam_beta1=0.9)
    found = observe_hyperparameters(args, SimpleNamespace(optimizer=SimpleNamespace(optimizer=sgd)), None)
    assert found == {"optim": "SGD", "learning_rate": 0.1}
    own = named("SomebodysOptimizer", module="__main__", param_groups=[{"lr": 1.0}, {"lr": 2.0}])()
    assert observe_hyperparameters(args, SimpleNamespace(optimizer=own), None) == {}
    own.param_groups[0]["lr"] = 5e-5
    assert observe_hyperparameters(args, SimpleNamespace(optimizer=own), None) == {"learning_rate": 5e-5}


def _with_groups(*groups: dict[str, Any], **asked: Any) -> dict[str, Any]:
    """What a run tells whose optimiser has these groups, where the arguments ask for ``asked``."""
    inner = named("AdamW", module="torch.optim.adamw", param_groups=list(groups))()
    outer = SimpleNamespace(optimizer=SimpleNamespace(optimizer=inner))
    return observe_hyperparameters(SimpleNamespace(**asked), SimpleNamespace(optimizer=outer), None)


def test_settings_of_an_optimiser_handed_in_outrank_the_arguments() -> None:
    """The arguments' stand where a group has them: transformers leaves norms and biases without weight decay."""
    asked = {"adam_beta1": 0.9, "adam_beta2": 0.999, "adam_epsilon": 1e-8, "weight_decay": 0.01}
    real = {"betas": (0.9, 0.95), "eps": 1e-6, "weight_decay": 0.1}
    assert _with_groups(real, **asked) == {
        "adam_beta1": 0.9,
        "adam_beta2": 0.95,
        "adam_epsilon": 1e-6,
        "weight_decay": 0.1,
    }
    usual = {"betas": (0.9, 0.999), "eps": 1e-8}
    assert _with_groups({**usual, "weight_decay": 0.01}, {**usual, "weight_decay": 0.0}, **asked) == asked
    assert "weight_decay" not in _with_groups({"weight_decay": 0.1}, {"weight_decay": 0.2}, **asked)
    cycled = {**usual, "betas": (0.95, 0.999), "max_momentum": 0.95}  # by OneCycleLR, with the rate
    assert "adam_beta1" not in _with_groups(cycled, **asked)
    assert "adam_epsilon" not in _with_groups({**usual, "eps": 0.0}, **asked)  # bitsandbytes' Lion has none


def test_an_optimiser_is_known_inside_its_wrappers() -> None:
    """DeepSpeed's holds the one that computes, and transformers' dummy stands for one that works elsewhere."""
    assert _with_groups(optim="adamw_torch") == {"optim": "adamw_torch"}
    dummy = named("LayerWiseDummyOptimizer", module="transformers.trainer_pt_utils", param_groups=[{"lr": 1e-4}])()
    args = SimpleNamespace(optim="galore_adamw_layerwise")
    found = observe_hyperparameters(args, SimpleNamespace(optimizer=dummy), None)
    assert found == {"optim": "galore_adamw_layerwise"}


def test_a_rate_that_the_optimiser_makes_up_is_not_the_arguments() -> None:
    """Adafactor with relative steps has none that could be told."""
    assert _with_groups({"lr": None}, learning_rate=5e-5) == {}
    assert _with_groups({"lr": None, "initial_lr": 0.0}, learning_rate=5e-5) == {}  # under AdafactorSchedule
    assert _with_groups({"params": []}, learning_rate=5e-5) == {"learning_rate": 5e-5}


def _scheduled(name: str, module: str, **members: Any) -> Any:
    """What a run with this scheduler tells of it; the arguments ask for a linear one with warm-up."""
    args = SimpleNamespace(lr_scheduler_type="linear", warmup_steps=10)
    wrapped = SimpleNamespace(scheduler=named(name, module=module, **members)())
    return observe_hyperparameters(args, SimpleNamespace(lr_scheduler=wrapped), None)


def test_a_schedule_handed_in_outranks_the_arguments() -> None:
    """Torch's own are named, a person's function is not; what transformers makes is what the arguments say."""
    asked = {"lr_scheduler_type": "linear", "warmup_steps": 10}
    own_function = SimpleNamespace(__module__="__main__")
    made = SimpleNamespace(func=SimpleNamespace(__module__="transformers.optimization"))
    torchs = "torch.optim.lr_scheduler"
    assert _scheduled("OneCycleLR", torchs) == {"lr_scheduler_type": "OneCycleLR"}
    assert _scheduled("LambdaLR", torchs, lr_lambdas=[own_function]) == {}
    assert _scheduled("LambdaLR", torchs, lr_lambdas=[made]) == asked
    assert _scheduled("ReduceLROnPlateau", torchs) == {"lr_scheduler_type": "reduce_lr_on_plateau", "warmup_steps": 0}
    assert _scheduled("DummyScheduler", "accelerate.utils") == asked
    assert _scheduled("SomebodysLR", "__main__") == {}


def test_a_loader_of_a_persons_own_has_its_own_batch() -> None:
    """Theirs may ignore the arguments; a library's holds what the library means, and several processes share."""

    class Own:
        def get_train_dataloader(self) -> None:
            """As in a script."""

    args = SimpleNamespace(per_device_train_batch_size=2, gradient_accumulation_steps=3, world_size=1)
    loader = SimpleNamespace(batch_size=4)
    found = observe_hyperparameters(args, Own(), None, loader)
    assert (found["per_device_train_batch_size"], found["effective_batch_size"]) == (4, 12)
    Own.get_train_dataloader.__module__ = "trl.trainer.grpo_trainer"
    assert observe_hyperparameters(args, Own(), None, loader)["per_device_train_batch_size"] == 2
    Own.get_train_dataloader.__module__ = "__main__"
    args.world_size = 2
    assert observe_hyperparameters(args, Own(), None, loader)["per_device_train_batch_size"] == 2


@pytest.mark.parametrize("change", [{"batch_size": None}, {"batch_size": None, "batch_sampler": None}])
def test_a_loader_that_accelerate_prepared_tells_by_its_sampler(change: dict[str, Any]) -> None:
    """Without one nothing tells, and what the arguments say may be wrong."""
    loader = SimpleNamespace(**{"batch_sampler": SimpleNamespace(batch_size=4), **change})
    found = _with_own_loader(lambda: loader, loader)
    assert found == ({} if loader.batch_sampler is None else {"per_device": 4, "effective": 12})


def test_a_loader_of_a_persons_own_fills_all_devices() -> None:
    """DataParallel gives each GPU its part of the batch."""
    assert _with_own_loader(lambda: None, SimpleNamespace(batch_size=4), n_gpu=2) == {"per_device": 2, "effective": 12}


@pytest.mark.parametrize("module", ["UnslothGRPOTrainer", pytest.fixture.__module__])
def test_a_loader_of_a_library_holds_what_the_library_means(module: str) -> None:
    """Unsloth generates modules of its own names, and what pip installed is no script's either."""

    def get(trainer: Any) -> None:
        """As if written there."""

    get.__module__ = module
    found = _with_own_loader(MethodType(get, object()), SimpleNamespace(batch_size=32))
    assert found == {"per_device": 2, "effective": 6}


def _with_own_loader(get: Any, loader: Any, **args: Any) -> dict[str, Any]:
    """What a run tells of its batch; the arguments ask for two of three accumulated."""
    asked = {"per_device_train_batch_size": 2, "train_batch_size": 2, "gradient_accumulation_steps": 3}
    found = observe_hyperparameters(
        SimpleNamespace(world_size=1, **asked, **args), SimpleNamespace(get_train_dataloader=get), None, loader
    )
    names = {"per_device_train_batch_size": "per_device", "effective_batch_size": "effective"}
    return {short: found[name] for name, short in names.items() if name in found}


def test_transformers_own_schedules_are_known_however_they_came() -> None:
    """A script that calls its functions leaves the arguments at their default, which is another schedule."""
    torch, optimization = pytest.importorskip("torch"), pytest.importorskip("transformers.optimization")
    settings = {
        "cosine_with_min_lr": {"min_lr": 1e-3},
        "cosine_warmup_with_min_lr": {"min_lr": 1e-3},
        "warmup_stable_decay": {"num_decay_steps": 5},
    }
    kinds = [kind.value for kind in optimization.TYPE_TO_SCHEDULER_FUNCTION]
    assert {"linear", "cosine", "constant"} <= {*kinds}
    for kind in kinds:
        optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.1)
        made = optimization.get_scheduler(
            kind, optimizer, num_warmup_steps=3, num_training_steps=20, scheduler_specific_kwargs=settings.get(kind)
        )
        args = SimpleNamespace(lr_scheduler_type="linear", warmup_steps=10)
        found = observe_hyperparameters(args, SimpleNamespace(lr_scheduler=made), None)
        steps = 0 if kind in {"constant", "reduce_lr_on_plateau", "greedy"} else 3
        assert found == {"lr_scheduler_type": kind, "warmup_steps": steps}


@pytest.mark.parametrize(
    ("kind", "asked", "told"),
    [
        ("cosine", {"warmup_ratio": 0.1}, {"warmup_ratio": 0.1}),
        ("cosine", {"warmup_ratio": 0.5}, {"warmup_steps": 2}),
        ("constant_with_warmup", {"warmup_ratio": 0.1}, {"warmup_ratio": 0.1}),
        ("constant", {"warmup_ratio": 0.03}, {"warmup_steps": 0}),
    ],
)
def test_a_warm_up_stands_where_the_schedule_has_it(kind: str, asked: dict[str, Any], told: dict[str, Any]) -> None:
    """A constant schedule of transformers takes no warm-up, whatever it is asked for."""
    torch, optimization = pytest.importorskip("torch"), pytest.importorskip("transformers.optimization")
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.1)
    made = optimization.get_scheduler(kind, optimizer, num_warmup_steps=2, num_training_steps=20)
    args = SimpleNamespace(lr_scheduler_type=kind, **asked)
    found = observe_hyperparameters(args, SimpleNamespace(lr_scheduler=made), None)
    assert found == {"lr_scheduler_type": kind, **told}
