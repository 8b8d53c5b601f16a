"""News for the rooms above, sent inside the transaction of what they tell: a receiver that fails undoes it."""

from django.dispatch import Signal

emergency_confirmed = Signal()  # emergency: HouseEmergency
