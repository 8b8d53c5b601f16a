"""Who somebody is at a single sign-on provider."""

from django.db import models

from accounts.models.people import User
from common.models import BaseModel


class Identity(BaseModel):
    """The subject of one issuer that is this person. Never matched by a name, which may be given anew."""

    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="identities")
    issuer = models.CharField(max_length=300)
    subject = models.CharField(max_length=255)
    last_used_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["issuer", "subject"], name="identity_subject_is_one_person"),
            models.UniqueConstraint(fields=["issuer", "user"], name="identity_person_is_one_subject"),
        ]
