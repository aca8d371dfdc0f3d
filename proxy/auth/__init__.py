"""Who is this client, and may it use the gate at all?"""
