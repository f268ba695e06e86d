"""Indicators of metabolism, and the water and energy of each other.

`indicators.draw_indicators`, `nexus.draw_nexus`.
"""
