"""What tells a person or a machine: folders, accounts, addresses, serial numbers; and secrets."""

from __future__ import annotations

import re
from collections.abc import Iterator

from cardcallback.check.finding import Finding, error, hint, shown
from cardcallback.check.reading import CardText

_HOME = re.compile(
    r"(?<![\w.:/-])(?:file://)?(?:/home/(?P<linux>[\w.-]+)|/Users/(?P<mac>[\w.-]+)|/root(?=/[\w.])|"
    r"[A-Za-z]:\\+Users\\+(?P<windows>[\w. -]+?)(?=\\))(?:[/\\][\w. @+-]*)*"
)
# Accounts of images and services are nobody's.
_NOBODY = frozenset(
    {"user", "username", "your_username", "yourname", "ubuntu", "jovyan", "runner", "sagemaker-user", "ec2-user"}
)
_FOLDER = re.compile(
    r"(?<![\w.:/<-])(?:file://)?(?:/(?:mnt|media|content/drive|scratch|nfs|lustre|gpfs|data\d*|workspace|storage|projects?|work|cluster)"
    r"/[\w.-]+(?:/[\w.-]+)*|[A-Za-z]:\\\\?(?!Users)[\w.-]+(?:\\\\?[\w.-]+)+|~/[\w.-]+/[\w./-]+)"
)
_PROMPT = re.compile(r"(?<![\w.@/-])(?P<who>[a-z_][\w-]{0,31}@[a-z][\w-]{1,62})(?=:[~/][^\s]*\s?[$#])", re.IGNORECASE)
_PRIVATE_ADDRESS = re.compile(
    r"(?<![\w.])(?:10\.\d{1,3}|192\.168|172\.(?:1[6-9]|2\d|3[01]))\.\d{1,3}\.\d{1,3}(?![\w.]*\d)"
)
_DEVICE = re.compile(r"\b(?:GPU|MIG)-[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b", re.IGNORECASE)
_MAC = re.compile(r"(?<![\w:])(?:[0-9A-Fa-f]{2}:){5}[0-9A-Fa-f]{2}(?![\w:])")
_SECRETS = (
    ("a Hugging Face token", re.compile(r"\b(?:hf|api_org)_[A-Za-z0-9]{30,}\b")),
    ("an OpenAI or Anthropic key", re.compile(r"\bsk-(?:proj-|ant-|svcacct-)?[A-Za-z0-9_-]{20,}")),
    ("a GitHub token", re.compile(r"\b(?:gh[pousr]_[A-Za-z0-9]{36,}|github_pat_\w{40,})")),
    ("an AWS key", re.compile(r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b")),
    ("a Google key", re.compile(r"\bAIza[0-9A-Za-z_-]{35}")),
    ("a Slack token", re.compile(r"\bxox[abprs]-[0-9A-Za-z-]{10,}")),
    ("an NVIDIA key", re.compile(r"\bnvapi-[A-Za-z0-9_-]{30,}")),
    ("a private key", re.compile(r"-----BEGIN (?:[A-Z]+ )?PRIVATE KEY-----")),
    ("a password in an address", re.compile(r"\bhttps?://[^\s/:@<>{}\[\]]+:[^\s/@<>{}\[\]]{3,}@[\w.-]+")),
    (
        "a key",
        re.compile(
            r"\b(?:WANDB_API_KEY|HF_TOKEN|HUGGING_?FACE_?HUB_TOKEN|OPENAI_API_KEY|API_KEY|AWS_SECRET_ACCESS_KEY)\b"
            r"['\"]?\s*[=:]\s*['\"]?(?!\$|<|os\.|your|xxx|hf_x|\.\.\.|\*)[A-Za-z0-9+/_-]{20,}",
            re.IGNORECASE,
        ),
    ),
)
# A notebook's output in one line may be a megabyte.
_LONGEST_LINE = 20_000
_TAKE_OUT = "take it out"


def privacy_findings(card: CardText) -> Iterator[Finding]:
    """Each line, the front matter's and code too, that says whose machine it was; at most one finding a line."""
    for number, whole in enumerate(re.split(r"\r\n|\r|\n", card.text), start=1):
        line = whole[:_LONGEST_LINE]
        found = _secret(number, line) or _place(number, line)
        if found is not None:
            yield found


def _secret(number: int, line: str) -> Finding | None:
    for name, pattern in _SECRETS:
        if pattern.search(line):
            # Never repeated: a report is copied further than a card.
            what = f"it looks as if {name} stands here, which everybody who reads the card could use"
            return error("secret", number, what, "revoke it where it was issued, then take it out of every version")
    return None


def _place(number: int, line: str) -> Finding | None:
    home = next((match for match in _HOME.finditer(line) if not _NOBODY & set(match.groups())), None)
    if home is not None:
        return error("local-path", number, f"a folder of somebody's machine: {shown(home.group())}", _TAKE_OUT)
    for name, pattern in (
        ("an account and its machine", _PROMPT),
        ("the serial number of a device", _DEVICE),
        ("the address of a network card", _MAC),
    ):
        found = pattern.search(line)
        if found is not None:
            return error("identity", number, f"{name}: {shown(found.group())}", _TAKE_OUT)
    folder = _FOLDER.search(line)
    if folder is not None:
        what = f"a folder that is on one machine only: {shown(folder.group())}"
        return hint("local-path", number, what, "name the model or data by its Hub id, or leave the folder out")
    address = _PRIVATE_ADDRESS.search(line)
    if address is not None:
        return hint("identity", number, f"an address inside somebody's network: {address.group()}", _TAKE_OUT)
    return None
