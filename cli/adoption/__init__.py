"""`proxmox-labs adopt`: from a running environment to a program that describes it.

`sources` finds what there is, `reading` makes declarations of it (by the handlers of the types), `references` sees how
they name each other, `printing` and `program` write them as Python, `written` reads a program back, and `command` puts
it together.
"""
