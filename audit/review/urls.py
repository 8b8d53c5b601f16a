"""Addresses of this room's pages."""

from django.urls import path

from audit.review import (
    case_views,
    glass_views,
    proof_views,
    report_views,
    signoff_views,
    views,
    watch_views,
)

app_name = "review"
urlpatterns = [
    path("", views.log, name="log"),
    path("export/", views.export, name="export"),
    path("evidence/", views.evidence, name="evidence"),
    path("proof/", proof_views.state, name="proof"),
    path("proof/check/", proof_views.check, name="proof-check"),
    path("glass/", glass_views.glass_list, name="glass-list"),
    path("glass/<uuid:review_id>/", glass_views.glass, name="glass"),
    path("cases/", case_views.case_list, name="case-list"),
    path("cases/new/", case_views.case_new, name="case-new"),
    path("cases/from-glass/<uuid:review_id>/", case_views.case_from_glass, name="case-from-glass"),
    path("cases/from-alert/<uuid:alert_id>/", case_views.case_from_alert, name="case-from-alert"),
    path("cases/<uuid:case_id>/", case_views.case, name="case"),
    path("cases/<uuid:case_id>/assign/", case_views.case_assign, name="case-assign"),
    path("cases/<uuid:case_id>/change/", case_views.case_change, name="case-change"),
    path("cases/<uuid:case_id>/note/", case_views.case_note, name="case-note"),
    path("cases/<uuid:case_id>/evidence/", case_views.case_evidence, name="case-evidence"),
    path("cases/<uuid:case_id>/evidence/bundle/", case_views.case_bundle, name="case-bundle"),
    path("cases/<uuid:case_id>/decide/", case_views.case_decide, name="case-decide"),
    path("cases/<uuid:case_id>/sanction/", case_views.case_sanction, name="case-sanction"),
    path("cases/<uuid:case_id>/notices/", case_views.case_notices, name="case-notices"),
    path("cases/<uuid:case_id>/close/", case_views.case_close, name="case-close"),
    path("watch/", watch_views.watch, name="watch"),
    path("watch/rules/", watch_views.rules, name="watch-rules"),
    path("watch/decoys/", watch_views.decoys, name="watch-decoys"),
    path("watch/decoys/<uuid:decoy_id>/end/", watch_views.decoy_end, name="watch-decoy-end"),
    path("watch/<uuid:alert_id>/", watch_views.alert, name="alert"),
    path("reviews/", signoff_views.signoff_list, name="signoff-list"),
    path("reviews/<uuid:signoff_id>/", signoff_views.signoff, name="signoff"),
    path("reviews/<uuid:signoff_id>/draw/", signoff_views.draw, name="signoff-draw"),
    path("reviews/<uuid:signoff_id>/judge/", signoff_views.judge, name="signoff-judge"),
    path("reviews/<uuid:signoff_id>/sign/", signoff_views.sign, name="signoff-sign"),
    path("reports/", report_views.report_list, name="report-list"),
    path("reports/<slug:name>/", report_views.report, name="report"),
    path("reports/<slug:name>/pdf/", report_views.report_pdf, name="report-pdf"),
    path("chart/<uuid:patient_id>/", views.chart, name="chart"),
    path("<int:event_id>/", views.event, name="event"),
]
