"""Parts of the Compare tab: the list of settings, sweeps, the run, the table, exports."""
