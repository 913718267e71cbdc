"""What a lab tells other programs of itself; a program that reads it needs nothing else of this project.

outputs = LabOutputs.from_stack_reference("organization/proxmox/ha-services")
outputs.guests.apply(lambda guests: guests["dns-1"].address)
"""

from lab_outputs.models import VERSION, Guest, Host, Lab, Login, Network, Nic, Ssh, Vip
from lab_outputs.reference import LabOutputs

__all__ = ["VERSION", "Guest", "Host", "Lab", "LabOutputs", "Login", "Network", "Nic", "Ssh", "Vip"]
