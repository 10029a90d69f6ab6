"""Front matter as the Hub really reads it."""

from __future__ import annotations

import pytest
from checked import GOOD_MATTER, findings, rules

from cardcallback.check import check_card

BODY = "# Ours\n\nWords.\n"


def matter(*lines: str) -> str:
    """A front matter of these lines and a license."""
    return "\n".join(["---", "license: mit", *lines, "---", ""])


WRONG = {
    "not closed": ("front-matter", "---\nlicense: mit\nlanguage: en\n\n# Ours\n"),
    "below a comment": ("front-matter", f"<!-- mine -->\n{GOOD_MATTER}"),
    "below a heading": ("front-matter", f"# Ours\n\n{GOOD_MATTER}"),
    "twice": ("front-matter", GOOD_MATTER + GOOD_MATTER),
    "no YAML": ("front-matter", "---\nlicense: mit\ntitle: a: b\n---\n"),
    "a key twice": ("front-matter", "---\nlicense: mit\nlicense: mit\n---\n"),
    "a list": ("front-matter", "---\n- license\n- mit\n---\n"),
    "byte order mark": ("front-matter", "\ufeff" + GOOD_MATTER),
    "misspelt emissions": ("front-matter", matter("co2_emissions: 12")),
    "unknown license": ("metadata", "---\nlicense: Apache 2.0\n---\n"),
    "license, a slip": ("metadata", "---\nlicense: apache-2\n---\n"),
    "language by name": ("metadata", matter("language: English")),
    "Norwegian": ("metadata", matter("language: no")),
    "language and region": ("metadata", matter("language:", "- en-US")),
    "no language": ("metadata", matter("language: xx")),
    "a number for a tag": ("metadata", matter("tags:", "- 2026")),
    "a folder for a tag": ("local-path", matter("tags:", "- base_model:adapter:/data/x")),
    "a folder for data": ("local-path", matter("datasets:", "- ./data/train.jsonl")),
    "no data": ("metadata", matter("datasets:", "- None")),
    "an address for data": ("metadata", matter("datasets: https://huggingface.co/datasets/a/b")),
    "a folder for the base": ("local-path", matter("base_model: ./outputs/checkpoint-500")),
    "a home for the base": ("local-path", matter("base_model: /home/ada/gemma")),
    "outputs for the base": ("local-path", matter("base_model: outputs/gemma")),
    "Windows for the base": ("local-path", matter("base_model: 'D:\\models\\gemma'")),
    "an address for the base": ("metadata", matter("base_model: https://huggingface.co/a/b")),
    "no base": ("metadata", matter("base_model: none")),
    "unknown relation": ("metadata", matter("base_model: a/b", "base_model_relation: lora")),
    "relation alone": ("metadata", matter("base_model_relation: adapter")),
    "task, a slip": ("metadata", matter("pipeline_tag: text_generation")),
    "a placeholder": ("placeholder", matter("base_model: your-name/your-model")),
    "index, no list": ("metadata", matter("model-index: {name: x}")),
    "index, no task": (
        "metadata",
        matter(
            "model-index:", "- name: x", "  results:",
            "  - dataset: {name: d, type: d}", "    metrics: [{type: a, value: 1}]",
        ),
    ),
    "emissions missing": ("emissions-key", matter("co2_eq_emissions:", "  source: codecarbon")),
    "with a unit": ("emissions-key", matter("co2_eq_emissions:", "  emissions: 0.5 kg", "  source: x")),
    "with a separator": ("emissions-key", matter("co2_eq_emissions: '1,234'")),
    "with an exponent": ("emissions-key", matter("co2_eq_emissions:", "  emissions: 1.5e-05", "  source: x")),
    "below nothing": ("emissions-key", matter("co2_eq_emissions: -3")),
    "no figure": ("emissions-key", matter("co2_eq_emissions: unknown")),
}  # fmt: skip

HINTED = {
    "no front matter": "",
    "empty": "---\n---\n",
    "no license": "---\nlanguage: en\n---\n",
    "other without a name": "---\nlicense: other\n---\n",
    "a license of one's own": "---\nlicense: zzz-1.0\n---\n",
    "licence": "---\nlicence: license\n---\n",
    "emissions of 0": matter("co2_eq_emissions:", "  emissions: 0", "  source: x"),
    "no source": matter("co2_eq_emissions:", "  emissions: 12"),
    "a bare base": matter("base_model: my-gemma"),
    "a reader": matter("datasets: json"),
    "another base in a tag": matter("base_model: a/b", "tags:", "- base_model:adapter:a/c"),
    "tags as text": matter("tags: autotrain"),
}
RIGHT = [
    GOOD_MATTER,
    matter("language: 'no'"),
    matter("language:", "- en", "- multilingual", "- yue", "- code"),
    matter("co2_eq_emissions: 0.0004"),
    matter("co2_eq_emissions:", "  emissions: 1200000000", "  source: 'a: b'"),
    matter("co2_eq_emissions:", "  emissions: 12.5 # grams", "  source: x"),
    matter("base_model: gpt2"),
    matter("base_model:", "- a/b", "- c/d", "base_model_relation: merge"),
    matter("datasets:", "- imdb", "- a/b"),
    matter("model-index:", "- name: x", "  results: []"),
    matter("tags:", "- sft", "- base_model:adapter:a/b", "base_model: a/b"),
    matter("title: mine", "my_own_key: [1, 2]"),
    "---\nlicense: other\nlicense_name: mine\nlicense_link: LICENSE\n---\n",
    "---\nlicense:\n- mit\n- cc-by-4.0\n---\n",
    GOOD_MATTER.replace("\n", "\r\n"),
]


@pytest.mark.parametrize("name", WRONG)
def test_what_the_hub_misreads_is_found(name: str) -> None:
    """One slip, one kind of error."""
    rule, head = WRONG[name]
    assert rules(BODY, head) == {rule}


@pytest.mark.parametrize("name", HINTED)
def test_what_may_be_meant_is_a_hint(name: str) -> None:
    """Nothing to refuse a card for."""
    found = findings(BODY, HINTED[name])
    assert {one.severity for one in found} == {"hint"}


@pytest.mark.parametrize("head", RIGHT)
def test_a_good_front_matter_raises_no_word(head: str) -> None:
    """Plain, quoted, listed, with line ends of both kinds."""
    assert findings(BODY, head) == []


def test_a_broken_front_matter_is_found_on_its_line() -> None:
    """Counted in the card, not in the block."""
    found = [one for one in check_card("---\nlicense: mit\nx: [1\ny: 2\n---\n# Ours\n") if one.severity == "error"]
    assert [one.line for one in found] == [4]


def test_a_rule_in_the_text_is_no_second_front_matter() -> None:
    """Three dashes are a line across the page, too."""
    assert findings("# Ours\n\n---\n\nWords: many.\n\n---\n\nlanguage: we speak it.\n") == []
