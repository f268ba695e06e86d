"""Balances of every node in every layer, their uncertainty, verdicts and explanations.

`balances.draw_balances` makes them; `balance_sheets` reads them as a person does.
"""
