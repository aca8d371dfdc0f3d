"""What reads the records: each observer takes finished records and knows nothing of sockets."""
