"""What every resource shares and no resource repeats. Resource modules import from here; components never do."""
