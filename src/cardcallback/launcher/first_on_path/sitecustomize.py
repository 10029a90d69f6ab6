"""Run by every Python that the command starts: waits for transformers, then steps aside.

Also Pythons far older than cardcallback needs come by here, so this file keeps to what all of them understand.
"""

import os
import sys

if sys.version_info >= (3, 7):  # noqa: UP036 - see above
    import _cardcallback_hook  # type: ignore[import-not-found] # beside this file

    _cardcallback_hook.install()

# From here on as though this folder were not there: another sitecustomize (a distribution's, a profiler's) has its
# turn, and what goes wrong in it is Python's to report, as ever.
_OWN = sys.modules.pop(__name__)
_HERE = os.path.dirname(os.path.abspath(__file__))  # noqa: PTH100, PTH120 - pathlib would be loaded into everything
sys.path[:] = [entry for entry in sys.path if entry != _HERE]
try:
    import sitecustomize  # type: ignore[import-not-found] # noqa: F401 - the one hidden by this one
except ImportError as error:
    # Python 2 gives no name, and there an error inside it cannot be told from its absence.
    if getattr(error, "name", __name__) != __name__:
        raise
    sys.modules[__name__] = _OWN
