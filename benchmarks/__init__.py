"""Measurements that are run by hand; the tables in the documents come from here."""
