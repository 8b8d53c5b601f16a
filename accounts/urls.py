"""Addresses of this room's pages."""

from django.urls import path

from accounts.views import account, role_changes, roles, signing_in, users

app_name = "accounts"
urlpatterns = [
    path("sign-in/", signing_in.sign_in, name="sign-in"),
    path("sign-out/", signing_in.sign_out, name="sign-out"),
    path("still-here/", signing_in.still_here, name="still-here"),
    path("confirm/", signing_in.confirm, name="confirm"),
    path("account/", account.account, name="account"),
    path("account/password/", account.change_password, name="password"),
    path("account/tokens/", account.issue_token, name="token-issue"),
    path("account/tokens/<uuid:pk>/revoke/", account.revoke_token, name="token-revoke"),
    path("users/", users.users, name="users"),
    path("users/new/", users.new_user, name="user-new"),
    path("users/<uuid:pk>/", users.user_detail, name="user"),
    path("users/<uuid:pk>/deactivate/", users.deactivate, name="user-deactivate"),
    path("users/<uuid:pk>/activate/", users.activate, name="user-activate"),
    path("roles/", roles.roles, name="roles"),
    path("roles/new/", roles.new_role, name="role-new"),
    path("roles/<slug:name>/", roles.role, name="role"),
    path("roles/<slug:name>/change/", roles.change_role, name="role-edit"),
    path("roles/<slug:name>/retire/", roles.retire_role, name="role-retire"),
    path("rights/", roles.matrix, name="rights"),
    path("rights/export/", roles.export_matrix, name="rights-export"),
    path("role-changes/", role_changes.role_changes, name="role-changes"),
    path("role-changes/<uuid:change_id>/", role_changes.role_change, name="role-change"),
    path("role-changes/<uuid:change_id>/approve/", role_changes.approve, name="role-change-approve"),
    path("role-changes/<uuid:change_id>/decline/", role_changes.decline, name="role-change-decline"),
    path("role-changes/<uuid:change_id>/withdraw/", role_changes.withdraw, name="role-change-withdraw"),
]
