"""Opens the page: `python app.py`, on a machine of one's own or as a Space."""

import os

os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")
os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")

from demo import page, serving

if __name__ == "__main__":
    serving.launch(page.build())
