"""Picture a card's section as a page would show it: python scripts/card_picture.py OUTPUT_DIR docs/card.png.

Needs Chromium on the PATH. The folded parts stay folded.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from markdown_it import MarkdownIt

from cardcallback.record import RECORD_FOLDER, load_run
from cardcallback.render.section import render_section

_STYLE = """
body { font: 16px/1.5 'Liberation Sans', sans-serif; width: 860px; margin: 24px auto; color: #1f2328; }
h2 { border-bottom: 1px solid #d1d9e0; padding-bottom: 6px; }
table { border-collapse: collapse; margin: 16px 0; }
td, th { border: 1px solid #d1d9e0; padding: 6px 12px; text-align: left; vertical-align: top; }
img { width: 700px; display: block; }
code { background: #eff1f3; padding: 2px 5px; border-radius: 5px; }
details { margin: 8px 0; }
"""
_BROWSERS = ("chromium", "chromium-browser", "google-chrome")


def main() -> int:
    """Render, photograph, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", type=Path, help="an output folder with a finished run")
    parser.add_argument("picture", type=Path, help="the PNG to write")
    parser.add_argument("--height", type=int, default=1560, help="of the page, in pixels")
    arguments = parser.parse_args()
    browser = next(filter(None, map(shutil.which, _BROWSERS)), None)
    if browser is None:
        print("no Chromium found: install it, then try again", file=sys.stderr)
        return 1
    section = MarkdownIt("commonmark").enable("table").render(render_section(load_run(arguments.run)))
    with tempfile.TemporaryDirectory() as folder:
        page = Path(folder) / "card.html"
        page.write_text(f"<meta charset='utf-8'><style>{_STYLE}</style><body>{section}", encoding="utf-8")
        shutil.copytree(arguments.run / RECORD_FOLDER, Path(folder) / RECORD_FOLDER)
        flags = ["--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--disable-background-networking"]
        size = f"--window-size=940,{arguments.height}"
        target = f"--screenshot={arguments.picture.resolve()}"
        profile = f"--user-data-dir={folder}/profile"
        return subprocess.call([browser, *flags, size, target, profile, page.as_uri()])


if __name__ == "__main__":
    sys.exit(main())
