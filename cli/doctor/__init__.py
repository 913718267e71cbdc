"""What is wrong between a stack and its hosts, and what to do about it; nothing is changed.

`findings` judges what has been asked, without asking; `certificate` and `probe` ask, and `command` is
`proxmox-labs doctor`.
"""
