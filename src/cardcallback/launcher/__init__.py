"""``cardcallback run``: the callback on every Trainer of a command that knows nothing of it.

The command replaces this process, with a folder of ours first on ``PYTHONPATH`` (``first_on_path``). Python itself runs
the ``sitecustomize`` there, in the command and in whatever Python it starts; that waits for transformers, and what
never imports it is left alone. Nothing is imported here, since ``attaching`` is loaded inside other people's processes.
"""
