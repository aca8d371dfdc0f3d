"""What products say about their licences, and what follows from it: states, clocks, readers of their texts.

Pure: texts and values in, values out. Times are aware datetimes unless a docstring says otherwise.
"""
