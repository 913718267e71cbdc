"""Snapshots of a whole lab, taken and gone back to in an order that its guests can live with.

`order` says who comes before whom, `run` does it on the hosts, and `command` is `proxmox-labs snapshot`. Nothing is
kept beside the hosts: which guests are through is seen from which of them have the snapshot.
"""
