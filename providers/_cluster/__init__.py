"""What the resources of a cluster itself share."""
