"""One comment that says what a change of a stack does, made from what Pulumi says of it.

`plan` reads Pulumi's preview or update, `capacity` adds up what the guests take before and after, `chart` marks what
changes in the picture of the lab, `markdown` writes it all, and `fold` keeps the text within a limit.
"""
