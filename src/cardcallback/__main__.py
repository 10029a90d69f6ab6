"""``python -m cardcallback``: the command line, where its script is not on the path."""

from cardcallback.cli import main

main()
