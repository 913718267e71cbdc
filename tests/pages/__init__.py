"""README, guides and other pages, done as they say."""
