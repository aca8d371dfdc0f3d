"""Files named in the settings: read as a whole, and watched for changes while the gate serves."""
