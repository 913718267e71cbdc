"""The texts of daemons' configurations, made of typed values without anything that knows of resources."""
