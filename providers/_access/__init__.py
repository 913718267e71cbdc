"""What users, groups, roles, tokens, realms and the entries of the access control list share."""
