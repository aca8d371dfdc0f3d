"""The languages of pages, commands and refusals: English, and Japanese by a gettext catalog."""
