"""Pictures of a lab, made from what its stack tells of itself.

`picture` says what is in a picture, without saying how it looks; `mermaid` writes it as a flowchart, and `layout` and
`svg` draw it; `html` is a page that has the drawing and finds what is in it.
"""
