"""The languages of pages, commands and refusals: English, and Japanese by a gettext catalog.

The English sentence, with its `{placeholders}`, is the key of its translation. `language` translates and picks the
language of a request, a browser or a terminal; `phrases` translates texts that were made in English, such as the
evidence in a record; `columns` lays out lines with wide letters. `ja/LC_MESSAGES/` holds the catalog, which
`make catalogs` brings up to date. Logs, records and metrics are for machines and stay English.
"""
