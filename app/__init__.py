"""The program around the proxy: the command line, the settings, the service, the observers and the admin server."""
