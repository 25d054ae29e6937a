"""The page: the only part of the hub that knows Gradio."""
