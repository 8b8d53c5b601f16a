"""Routes that show nothing about any patient. Short on purpose: whoever adds one says why.

A route that is on neither list must write an event naming the patient each time it answers.
"""

# Open to strangers.
PUBLIC = {
    "accounts:sign-in": "nobody has signed in yet",
    "tokens": "the sign-in of programs",
    "alive": "a load balancer asks",
    "ready": "a load balancer asks",
    "metrics": "numbers for this machine only",
}

# Nothing about any patient is ever in the answer.
NO_PATIENT_DATA = {
    **PUBLIC,
    "home-counts": "numbers of things that wait",
    "notices:list": "sentences that name no patient",
    "notices:open": "goes where the notice leads",
    "notices:read": "marks a notice, shows nothing",
    "notices:read-all": "marks notices, shows nothing",
    "api-notices": "sentences that name no patient",
    "api-notice-read": "a sentence that names no patient",
    "system": "parts of the house and jobs by id",
    "job-page": "how far a job is",
    "job": "how far a job is",
    "accounts:sign-out": "asks whether to sign out",
    "accounts:still-here": "an empty answer",
    "accounts:confirm": "asks for the password once more; a kept form goes back to who was sending it",
    "accounts:account": "the person's own account",
    "accounts:password": "the person's own account",
    "accounts:token-issue": "the person's own account",
    "accounts:token-revoke": "the person's own account",
    "accounts:users": "people who work here",
    "accounts:user-new": "people who work here",
    "accounts:user": "people who work here",
    "accounts:user-deactivate": "people who work here",
    "accounts:user-activate": "people who work here",
    "accounts:roles": "roles and how many hold them",
    "accounts:role-new": "a role",
    "accounts:role": "a role and people who work here",
    "accounts:role-edit": "a role",
    "accounts:role-retire": "a role",
    "accounts:rights": "roles and rights",
    "accounts:rights-export": "roles and rights",
    "accounts:role-changes": "people who work here",
    "accounts:role-change": "people who work here",
    "accounts:role-change-approve": "people who work here",
    "accounts:role-change-decline": "people who work here",
    "accounts:role-change-withdraw": "people who work here",
    "token-current": "the caller's token",
    "me": "the caller",
    "api-document-types": "LOINC's list of types",
    "patients:register": "an empty form",
    "documents:progress": "how far the reading of a document is, for whoever may see it",
    "review:proof": "seals: numbers, times and hashes",
    "audit-verify": "seals: numbers, times and hashes",
    "audit-checkpoints": "seals: numbers, times and hashes",
    "api-schema": "the description of the API",
    "api-docs": "the description of the API",
}

# Lists and searches: they name the patients they show, whichever those are; an empty one names nobody.
WHOEVER_IS_SHOWN = {
    "home",
    "capture:home",
    "patients:search",
    "documents:list",
    "release:list",
    "release:new",
    "review:log",
    "review:export",
    "audit-events",
    "api-patients",
    "api-encounters",
    "api-document-list",
    "api-search",
    "requests",
}
