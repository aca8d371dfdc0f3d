"""The program around the proxy: the command line, the settings file, the service and what observes its records."""
