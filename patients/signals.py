"""News for the rooms above, sent inside the transaction of what they tell: a receiver that fails undoes it."""

from django.dispatch import Signal

glass_broken = Signal()  # glass: GlassBreak
