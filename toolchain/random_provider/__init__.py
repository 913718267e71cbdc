"""The plugin of pulumi-random in Python, for machines which cannot download the vendor's.

It speaks the same protocol and behaves as that plugin does: the same types, inputs, outputs, IDs, defaults, checks,
replacements and imports. One thing differs: for a given `seed` other values come out (though always the same ones),
because the vendor's plugin takes them from Go's generator.
"""
