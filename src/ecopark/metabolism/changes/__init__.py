"""What changed between periods, what explains it, and the likeliest causes of a rise.

`dynamics.compare_periods`, `trend.draw_trend`, `causes.likely_causes`.
"""
