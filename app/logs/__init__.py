"""Writes logs where operators keep them: files, standard streams, the journal, syslog servers.

`LineWriter` holds the one bounded queue and its thread, and writes to a `LogSink`: a descriptor (`file_sink`) or a
server (`server_sink`), which `open_sink` opens for a place of the settings. A log never delays a tunnel: what finds no
room, or cannot be written, is counted by its reason.
"""
