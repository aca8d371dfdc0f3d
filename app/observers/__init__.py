"""The observers of finished records: access log, counters, recent activity. None of them touches a socket."""
