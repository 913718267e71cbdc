"""What the resources of high availability share."""
