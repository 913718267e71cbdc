"""Groups of users: the whole lifecycle is in tests/contract."""

EXAMPLE = {"groupid": "operators", "comment": "who may press the button"}
UPDATES = [{"groupid": "operators"}, {"groupid": "operators", "comment": "again"}]
DRIFT = [("PUT", "/access/groups/operators", {"comment": "by hand"})]
