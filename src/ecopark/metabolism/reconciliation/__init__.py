"""Data reconciliation: measured flows are adjusted, by weighted least squares, until all balances hold at once.

`reconcile` works on the layered flows of a park and gives a `Reconciliation`; `reconcile_measurements` on arrays.
From the ground: `measurements` and `constraints` say what is known; `elimination` removes unmeasured variables
(observability, redundancy); `whitening`, `ordering`, `factor`, `conjugate_gradients`, `normal_equations` solve the
equations by the method that their fill asks for; `least_squares`, `bounds`, `nonlinear` fit; `variances`, `testing`,
`gross_errors` judge; `solving` is all of it for arrays. `assembly` makes the arrays of a park, with ranges where none
is stated from `assumed`; `reconcile`, `result`, `remarks`, `explanations` say what came out, and `flow_rows` makes it
flows of the record.
"""
