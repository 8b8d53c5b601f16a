"""Addresses of this room's pages."""

from django.urls import path

from accounts.views import (
    account,
    role_changes,
    roles,
    second_factor,
    signing_in,
    user_access,
    users,
)

app_name = "accounts"
urlpatterns = [
    path("sign-in/", signing_in.sign_in, name="sign-in"),
    path("sign-in/code/", signing_in.code, name="code"),
    path("switch-user/", signing_in.switch, name="switch"),
    path("sign-out/", signing_in.sign_out, name="sign-out"),
    path("still-here/", signing_in.still_here, name="still-here"),
    path("confirm/", signing_in.confirm, name="confirm"),
    path("account/", account.account, name="account"),
    path("account/password/", account.change_password, name="password"),
    path("account/sessions/<uuid:number>/end/", account.end_sitting, name="session-end"),
    path("account/sessions/end-others/", account.end_others, name="sessions-end"),
    path("account/second-factor/", second_factor.second_factor, name="second-factor"),
    path("account/second-factor/app/", second_factor.add_app, name="app-add"),
    path("account/second-factor/key/", second_factor.add_key, name="key-add"),
    path("account/second-factor/<int:pk>/remove/", second_factor.remove, name="factor-remove"),
    path("account/recovery-codes/", second_factor.recovery_codes, name="recovery-codes"),
    path("account/tokens/", account.issue_token, name="token-issue"),
    path("account/tokens/<uuid:pk>/revoke/", account.revoke_token, name="token-revoke"),
    path("users/", users.users, name="users"),
    path("users/new/", users.new_user, name="user-new"),
    path("users/<uuid:pk>/", users.user_detail, name="user"),
    path("users/<uuid:pk>/access/", user_access.user_access, name="user-access"),
    path("users/<uuid:pk>/access/password/", user_access.give_password, name="user-password"),
    path("users/<uuid:pk>/access/second-factor/", user_access.reset_second_factor, name="user-factor-reset"),
    path("users/<uuid:pk>/access/sessions/", user_access.end_sittings, name="user-sessions-end"),
    path("users/<uuid:pk>/access/sessions/<uuid:number>/", user_access.end_sitting, name="user-session-end"),
    path(
        "users/<uuid:pk>/access/tokens/<uuid:token_id>/", user_access.revoke_token, name="user-token-revoke"
    ),
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
