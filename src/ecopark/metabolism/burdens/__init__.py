"""Life-cycle burdens of a park by impact category, and the test whether one state shifts them.

`burdens.draw_burdens`, `burden_shifting.compare_burdens`; `background` reads life-cycle databases.
"""
