"""Parts of the Evaluate tab: what it asks for, the run, what is handed out."""
