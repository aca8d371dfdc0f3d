"""Files named in the settings: read as a whole, off the event loop, and watched for changes."""
