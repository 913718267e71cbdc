"""High availability: the managers that keep guests running, and the rules that they follow."""
