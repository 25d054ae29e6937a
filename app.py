"""Opens the page: `python app.py`, on a machine of one's own or as a Space."""

import os
import sys

os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")
os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")

from restoration import runtime

if runtime.has_lent_gpu():  # `spaces` has to come before torch
    import spaces

    from restoration import lent_gpu

    lent_gpu.begin(runtime.the_runtime(), spaces.GPU, runtime.preloaded())

from demo import page, serving
from restoration.errors import RestorationError

if __name__ == "__main__":
    try:
        serving.launch(page.build())
    except RestorationError as error:
        sys.exit(str(error))
