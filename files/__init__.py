"""Files that the settings name: read whole, and watched for changes while the gate serves."""
