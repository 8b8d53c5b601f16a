"""Addresses of this room's pages."""

from django.urls import path

from accounts import views

app_name = "accounts"
urlpatterns = [
    path("sign-in/", views.sign_in, name="sign-in"),
    path("sign-out/", views.sign_out, name="sign-out"),
    path("still-here/", views.still_here, name="still-here"),
    path("account/", views.account, name="account"),
    path("account/password/", views.change_password, name="password"),
    path("account/tokens/", views.issue_token, name="token-issue"),
    path("account/tokens/<uuid:pk>/revoke/", views.revoke_token, name="token-revoke"),
    path("users/", views.users, name="users"),
    path("users/new/", views.new_user, name="user-new"),
    path("users/<uuid:pk>/", views.user_detail, name="user"),
    path("users/<uuid:pk>/deactivate/", views.deactivate, name="user-deactivate"),
    path("users/<uuid:pk>/activate/", views.activate, name="user-activate"),
]
