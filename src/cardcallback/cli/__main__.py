"""``python -m cardcallback.cli``, where the script is not on the path."""

from cardcallback.cli.application import main

main()
