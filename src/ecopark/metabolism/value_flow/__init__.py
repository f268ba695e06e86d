"""Material-flow cost accounting: what products cost, and what is lost with wastes and energy.

`value_flow.draw_value_flow`.
"""
