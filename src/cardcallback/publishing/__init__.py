"""A run's section, pictures and record put into another card: a folder's, or a repository's of the Hub."""

from cardcallback.publishing.into_place import Published, preview, publish
from cardcallback.publishing.opening import HubAddress, open_place, parse_target
from cardcallback.publishing.place import Change, Place
from cardcallback.publishing.plan import Plan, Wishes, plan_publication
from cardcallback.publishing.source import Source, read_source

__all__ = [
    "Change",
    "HubAddress",
    "Place",
    "Plan",
    "Published",
    "Source",
    "Wishes",
    "open_place",
    "parse_target",
    "plan_publication",
    "preview",
    "publish",
    "read_source",
]
