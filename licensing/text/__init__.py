"""Turns what people paste into the lines that the product printed."""
