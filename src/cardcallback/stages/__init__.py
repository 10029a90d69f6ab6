"""The runs that some weights went through before: found in folders, put in order, and summed."""

from cardcallback.stages.chain import joined_chains, stages_up_to
from cardcallback.stages.finding import Found, ModelFolder, find_stages
from cardcallback.stages.folders import other_weights_note, record_file_of, stages_of_folder
from cardcallback.stages.searching import StagesSearch
from cardcallback.stages.sums import NOT_MEASURED, StagesSum, stage_name, stages_named, sum_stages
from cardcallback.stages.weights import weights_marks

__all__ = [
    "NOT_MEASURED",
    "Found",
    "ModelFolder",
    "StagesSearch",
    "StagesSum",
    "find_stages",
    "joined_chains",
    "other_weights_note",
    "record_file_of",
    "stage_name",
    "stages_named",
    "stages_of_folder",
    "stages_up_to",
    "sum_stages",
    "weights_marks",
]
