"""Labels get the colour that their tone used to stand for."""

format = 2
depends_on = "0007_label_colour"

COLOURS = {"green": "#2e7d32", "blue": "#1565c0", "red": "#c62828", "brown": "#6d4c41"}


async def upgrade(ctx):
    """Write the colour of each tone that had one."""
    Label = ctx.model("labels")
    for tone, colour in COLOURS.items():
        await Label.objects.filter(tone=tone).update(colour=colour)


async def downgrade(ctx):
    """Write the tone of each colour that came from one."""
    Label = ctx.model("labels")
    for tone, colour in COLOURS.items():
        await Label.objects.filter(colour=colour).update(tone=tone)
