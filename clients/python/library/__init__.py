"""A small Django application: what django_run.py migrates up, uses and migrates down."""
