"""Readers of the forms in which products print the state of their licences."""
