"""The settings of ``CardCallback``, from wherever they come, checked."""

from cardcallback.settings.resolving import (
    SETTINGS_FILE,
    Settings,
    as_variables,
    is_switched_on,
    own_labels_text,
    resolve_settings,
    settled_factors,
    settled_names,
    system_root,
    unknown_cure,
    user_config_directory,
)

__all__ = [
    "SETTINGS_FILE",
    "Settings",
    "as_variables",
    "is_switched_on",
    "own_labels_text",
    "resolve_settings",
    "settled_factors",
    "settled_names",
    "system_root",
    "unknown_cure",
    "user_config_directory",
]
