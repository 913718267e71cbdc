"""Commands and files inside a machine, be it a guest or a node: what their resource types have in common."""
