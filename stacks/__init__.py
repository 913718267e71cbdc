"""One page of YAML a stack, the reader of those pages, and one module a kind of lab that composes its components."""
