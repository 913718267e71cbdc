"""What the types of the software-defined network share: its objects, and the transaction that changes them."""
