from django.apps import AppConfig


class PatientsConfig(AppConfig):
    name = "patients"

    def ready(self) -> None:
        from auditlog.registry import auditlog

        from accounts import known, rights
        from audit import catalogue, explaining
        from common.api import on_replay
        from patients import models, queries
        from patients.events import EVENTS
        from patients.explainers import EXPLAINERS
        from patients.replaying import check_still_open
        from patients.rights import RIGHTS

        on_replay(check_still_open)
        catalogue.register(EVENTS)
        rights.register(RIGHTS)
        explaining.register(*EXPLAINERS)
        explaining.register_identities(queries.merged_identities)
        known.register(queries.works)
        machinery = ["created_at", "updated_at", "version", "family_key", "given_key", "value_key"]
        machinery.append("digits_reversed")
        for model in (
            models.Patient,
            models.PatientName,
            models.Identifier,
            models.Address,
            models.Telecom,
            models.Encounter,
            models.Workplace,
            models.CareTeamMember,
            models.Consult,
            models.PatientGrant,
            models.OwnEntry,
            models.ChartRestriction,
            models.StatedNeed,
            models.GlassBreak,
        ):
            auditlog.register(
                model, exclude_fields=[f.name for f in model._meta.fields if f.name in machinery]
            )
