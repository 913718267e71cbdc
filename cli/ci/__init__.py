"""What a pipeline does around `report` and `up`, so that its files say only when.

`affected` says which stacks a change concerns, `forge` talks to GitHub or GitLab, and `command` is what scripts call.
"""
