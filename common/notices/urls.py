from django.urls import path

from common.notices import views

app_name = "notices"
urlpatterns = [
    path("", views.notices, name="list"),
    path("read/", views.read_all, name="read-all"),
    path("<uuid:notice_id>/", views.open_notice, name="open"),
    path("<uuid:notice_id>/read/", views.read, name="read"),
]
