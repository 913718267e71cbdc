"""Building blocks of labs: several resources that belong together, with typed arguments and outputs."""
