"""Addresses of this room's pages."""

from django.urls import path

from records.documents import views, views_labels, views_retracting

app_name = "documents"
urlpatterns = [
    path("", views.document_list, name="list"),
    path("search/<uuid:patient_id>/", views.search, name="search"),
    path("file/<uuid:patient_id>/", views.upload, name="upload"),
    path("undo/", views_retracting.undo, name="undo"),
    path("<uuid:document_id>/retract/", views_retracting.retract, name="retract"),
    path("labels/", views_labels.label_rules, name="labels"),
    path("asking/<uuid:patient_id>/", views_labels.asking, name="asking"),
    path("<uuid:document_id>/state-need/", views_labels.state_need, name="state-need"),
    path("<uuid:document_id>/", views.detail, name="detail"),
    path("<uuid:document_id>/progress/", views.progress, name="progress"),
    path("<uuid:document_id>/content/", views.content, name="content"),
    path("<uuid:document_id>/print/", views.print_pages, name="print"),
    path("<uuid:document_id>/retry/", views.retry, name="retry"),
    path("<uuid:document_id>/pages/<int:number>/image/", views.page_image, name="page-image"),
    path("<uuid:document_id>/pages/<int:number>/text/", views.page_text, name="page-text"),
]
