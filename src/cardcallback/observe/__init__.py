"""What a run is: method, model, data, settings, software and machine, read from plain objects."""

from cardcallback.observe.base_model import find_base_model, model_folders, weights_names
from cardcallback.observe.counting_plan import CountingPlan, plan_counting
from cardcallback.observe.evaluation import (
    LOSS_IS_MEAN_OF_BATCHES,
    evaluation_of_published,
    evaluation_result,
    joined_results,
    perplexity,
)
from cardcallback.observe.machine import machine_once, observe_machine
from cardcallback.observe.progress import training_completed, with_progress
from cardcallback.observe.software import observe_software, surrounding_notes, version_of
from cardcallback.observe.step_tokens import OF_ONE_PROCESS, StepCounts, StepTokens
from cardcallback.observe.tokens import TokenBaseline, count_tokens, may_be_counted, token_baseline, with_counted
from cardcallback.observe.training import observe_training

__all__ = [
    "LOSS_IS_MEAN_OF_BATCHES",
    "OF_ONE_PROCESS",
    "CountingPlan",
    "StepCounts",
    "StepTokens",
    "TokenBaseline",
    "count_tokens",
    "evaluation_of_published",
    "evaluation_result",
    "find_base_model",
    "joined_results",
    "machine_once",
    "may_be_counted",
    "model_folders",
    "observe_machine",
    "observe_software",
    "observe_training",
    "perplexity",
    "plan_counting",
    "surrounding_notes",
    "token_baseline",
    "training_completed",
    "version_of",
    "weights_names",
    "with_counted",
    "with_progress",
]
