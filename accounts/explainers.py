"""What other rooms' explainers ask about people: what the roles that somebody held at the time allow."""

from audit.explaining import ROLE_SEPARATOR


def role_allows(right: str) -> str:
    """SQL over the table `access` (`audit.explaining.ask`): whether one of the roles held then gives this right.

    The roles are those of that time, from the log; what a role allows is as it is now.
    """
    app_label, codename = right.split(".")
    return f"""exists (
        select from auth_group held
        join auth_group_permissions given on given.group_id = held.id
        join auth_permission permission on permission.id = given.permission_id
        join django_content_type of_room on of_room.id = permission.content_type_id
        where held.name = any(string_to_array(access.roles, chr({ord(ROLE_SEPARATOR)})))
            and of_room.app_label = '{app_label}' and permission.codename = '{codename}'
    )"""
