"""The same template on two nodes of a cluster, made of one image."""

import pulumi

from components.golden_template import GoldenTemplate, GoldenTemplateArgs, Image, Place

golden = GoldenTemplate(
    "debian",
    GoldenTemplateArgs(
        places=[Place(node="pve1"), Place(node="pve2")],
        template_name="debian-golden",
        image=Image(
            url="https://images.example.org/debian-13.qcow2",
            checksum="3f2a6c1d9e8b7405a1c2d3e4f5061728394a5b6c7d8e9f00112233445566778a",
        ),
        disk="8G",
        on_image_change="replace",  # another checksum makes new templates, and then removes these
    ),
)
pulumi.export("vmids", golden.vmids)
