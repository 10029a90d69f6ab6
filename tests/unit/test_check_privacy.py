"""What tells whose machine it was, secrets, and links to what is not there."""

from __future__ import annotations

import pytest
from checked import GOOD_MATTER, findings, rules

from cardcallback.check import check_card

TOKEN = "hf_" + "aB3" * 12
SECRETS = [
    f"login(token='{TOKEN}')",
    "export WANDB_API_KEY=0123456789abcdef0123456789abcdef01234567",
    "key = 'sk-proj-" + "a1B2" * 8 + "'",
    "AWS: AKIAABCDEFGHIJKLMNOP",
    "-----BEGIN RSA PRIVATE KEY-----",
    "git clone https://ada:hunter22@example.org/x.git",
]
LOCAL = [
    "Trained from /home/ada/models/gemma.",
    "saved to /Users/ada/out",
    "`C:\\Users\\ada\\out`",
    "cache: /root/models/gemma",
    "file:///home/ada/x.txt",
]
IDENTITY = [
    "GPU-8c5f9a1e-0b1c-4d2e-9f3a-0123456789ab",
    "ada@spark-7c2f:~$ python train.py",
    "00:1a:2b:3c:4d:5e",
]
HARMLESS = [
    "See https://example.org/home/ada/index.html and https://huggingface.co/docs/hub.",
    "Contact ada@example.org.",
    "login(token=os.environ['HF_TOKEN']) or hf_token or hf_xxx",
    "Mount it at /home/user/app or /home/jovyan/work.",
    "The ratio a/b and and/or; 10.5.1.2.3; version 10.0.0.1rc.",
    "WANDB_API_KEY=your_key",
    "sha256: 0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
]


@pytest.mark.parametrize("line", SECRETS)
@pytest.mark.parametrize("form", ["{}", "```bash\n{}\n```", "<!-- {} -->"])
def test_a_secret_is_found_and_not_repeated(line: str, form: str) -> None:
    """In text, code and comments; the message does not hold it."""
    found = [one for one in findings(form.format(line)) if one.severity == "error"]
    assert [one.rule for one in found] == ["secret"]
    assert line[-12:-2] not in found[0].what + found[0].cure


@pytest.mark.parametrize("line", LOCAL)
def test_a_home_is_found(line: str) -> None:
    """Under every system."""
    assert rules(line) == {"local-path"}


@pytest.mark.parametrize("line", IDENTITY)
def test_a_machines_identity_is_found(line: str) -> None:
    """Serial numbers, cards, accounts."""
    assert rules(line) == {"identity"}


@pytest.mark.parametrize("line", HARMLESS)
def test_what_only_looks_private_is_left_alone(line: str) -> None:
    """Addresses, accounts of nobody, variables."""
    assert rules(line) == set()


def test_a_folder_of_one_machine_is_a_hint() -> None:
    """It may be a container's."""
    assert [one.severity for one in findings("Data from /mnt/datasets/words.")] == ["hint"]


@pytest.mark.parametrize(
    ("body", "dead"),
    [
        ("![a](images/a.png)", False),
        ("![a](images/b.png)", True),
        ("![a](images/my%20b.png 'title')", False),
        ('<img src="images/b.png" width="10">', True),
        ("![a](https://example.org/b.png)", False),
        ("![a](/images/a.png)", True),
        ("[record](training_run/record.json)", True),
        ("[below](#results) [page](/datasets/a/b) [mail](mailto:a@b.org)", False),
        ("```\n![a](images/b.png)\n```", False),
        ("`![a](images/b.png)`", False),
        ("![a](data:image/png;base64,AAAA)", False),
    ],
)
def test_dead_links_are_found(body: str, dead: bool) -> None:  # noqa: FBT001  a case's outcome
    """Relative ones, of pictures and files; not what is elsewhere, and not code."""
    there = {"images/a.png", "images/my b.png"}
    found = check_card(f"{GOOD_MATTER}\n{body}\n", file_exists=lambda address: address in there)
    assert [one.rule for one in found] == (["dead-link"] if dead else [])
