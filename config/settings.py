"""Chartroom's settings: one file, a section per subject, every variable read through `config.env`."""

import os
from pathlib import Path
from typing import Any

from csp.constants import NONE, SELF

from config import env

BASE_DIR = Path(__file__).resolve().parent.parent

# -- Where things are -------------------------------------------------------------------------------------------
DATA_DIR = Path(env.text("CHARTROOM_DATA", str(BASE_DIR / "chartroom-data"))).absolute()
STORAGE = env.place("CHARTROOM_STORAGE", str(DATA_DIR / "files"))
RUN_DIR = Path(env.text("CHARTROOM_RUN", str(DATA_DIR / "run")))

# -- What kind of deployment ------------------------------------------------------------------------------------
DEBUG = env.flag("CHARTROOM_DEBUG", False)
DEMO = env.flag("CHARTROOM_DEMO", False)
SECURE = env.flag("CHARTROOM_SECURE", True)
SECRET_KEY = env.secret("CHARTROOM_SECRET_KEY")
MASTER_KEYS = env.keys_of_32_bytes("CHARTROOM_MASTER_KEYS")
SEAL_KEYS = env.keys_of_32_bytes(
    "CHARTROOM_SEAL_KEYS", required=False
)  # Ed25519 seeds; only the worker needs them
SEAL_PUBLIC_KEYS = env.keys_of_32_bytes(
    "CHARTROOM_SEAL_PUBLIC_KEYS", required=False
)  # what checks seals where no seed is: the web's, and retired keys
# What this machine sealed last, outside the database: the sealer goes on only where the chain still holds it.
SEAL_MEMORY = Path(env.text("CHARTROOM_SEAL_MEMORY", str(DATA_DIR / "sealed.jsonl")))
SEAL_SECONDS = env.number("CHARTROOM_SEAL_SECONDS", 15, least=1)
# Where checkpoints of the log go: folders (best elsewhere), s3://, syslog+tls://, syslog://, mailto:; by commas.
CHECKPOINTS = env.parts("CHARTROOM_CHECKPOINTS")
CHECKPOINT_LOCK_YEARS = env.number("CHARTROOM_CHECKPOINT_LOCK_YEARS", 0)  # S3 object lock, in compliance mode
# Time-stamps of the newest seal by an outside authority (RFC 3161): where, whom we believe, how often.
TSA_URL = env.web_address("CHARTROOM_TSA_URL")
TSA_CA_FILE = env.text("CHARTROOM_TSA_CA_FILE", "" if not TSA_URL else None)
TSA_LOGIN = env.login("CHARTROOM_TSA_LOGIN", TSA_URL)
TSA_MINUTES = env.number("CHARTROOM_TSA_MINUTES", 60, least=1)
# Old months of the log: how long they stay where they can be asked, where they lie then, and the months' tablespace.
LOG_YEARS = env.number("CHARTROOM_LOG_YEARS", 10, least=10)  # ASTM E2147-18, 4.1: never less
LOG_ARCHIVE = env.place("CHARTROOM_LOG_ARCHIVE", str(DATA_DIR / "archive"))
LOG_TABLESPACE = env.text("CHARTROOM_LOG_TABLESPACE", "")
SYSLOG_CA_FILE = env.text("CHARTROOM_SYSLOG_CA_FILE", "")
# The log for other systems (docs/operators/feeds.md): https://…/fhir and syslog+tls://host:port, by commas.
FEEDS = env.feeds("CHARTROOM_FEEDS")
FEED_FORM = env.choice("CHARTROOM_FEED_FORM", "transaction", ("transaction", "batch", "single"))
FEED_SOURCE = env.text("CHARTROOM_FEED_SOURCE", "chartroom")  # who tells: part of each resource's id
FEED_QUERIES = env.flag("CHARTROOM_FEED_QUERIES", True)  # what was searched for goes along
FEED_TOKEN = env.secret("CHARTROOM_FEED_TOKEN", required=False)
FEED_CA_FILE = env.text("CHARTROOM_FEED_CA_FILE", "")
FEED_CERTIFICATE = env.text("CHARTROOM_FEED_CERTIFICATE", "")
FEED_CERTIFICATE_KEY = env.text("CHARTROOM_FEED_CERTIFICATE_KEY", "")
ALLOWED_HOSTS = env.words("CHARTROOM_ALLOWED_HOSTS", "127.0.0.1 localhost [::1]")
TRUSTED_PROXIES = env.networks("CHARTROOM_TRUSTED_PROXIES")
METRICS_NETWORKS = env.networks("CHARTROOM_METRICS_NETWORKS", "127.0.0.0/8 ::1")
CSRF_TRUSTED_ORIGINS = env.words("CHARTROOM_TRUSTED_ORIGINS")

# -- The house --------------------------------------------------------------------------------------------------
INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "rest_framework",
    "drf_spectacular",
    "auditlog",
    "guardian",
    "django_htmx",
    "template_partials",
    "allauth.account",
    "allauth.mfa",
    "common",
    "common.jobs",
    "common.notices",
    "audit",
    "accounts",
    "patients",
    "records.documents",
    "records.capture",
    "records.release",
    "audit.review",
    "demo",
]
MIDDLEWARE = [
    "audit.middleware.RequestIdMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "accounts.middleware.FloodMiddleware",
    "csp.middleware.CSPMiddleware",
    "common.middleware.BrowserPolicyMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "common.middleware.NoStoreMiddleware",
    "common.middleware.LongAddressMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "audit.middleware.ContextMiddleware",
    "accounts.middleware.IdleMiddleware",
    "accounts.middleware.SignInRequiredMiddleware",
    "accounts.middleware.FirstStepsMiddleware",
    "records.documents.uploads.UploadMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "common.middleware.NotAllowedPageMiddleware",
    "accounts.confirming.RefusedFormMiddleware",
    "audit.middleware.RefusalMiddleware",
    "allauth.account.middleware.AccountMiddleware",
]
ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "common.context_processors.frame",
                "config.navigation.navigation",
            ],
        },
    }
]

# -- Database: `default` is the restricted role, `owner` owns the tables and only migrates ---------------------
_DATABASE_URL = env.text("DATABASE_URL")
_OWNER_URL = env.text("DATABASE_OWNER_URL", _DATABASE_URL)
APP_ROLE = env.text("CHARTROOM_APP_ROLE", "chartroom_app")
DATABASES: dict[str, dict[str, Any]] = {
    "default": {
        **env.database(_DATABASE_URL, "DATABASE_URL"),
        "CONN_MAX_AGE": 300,
        "CONN_HEALTH_CHECKS": True,
    },
    "owner": env.database(_OWNER_URL, "DATABASE_OWNER_URL"),
}
# Who cannot get a lock (a log that is blocked, a row held elsewhere) is told so before the web server gives up.
# What is prepared (common.prepared) is planned once, not for each of its first five questions.
# A question whose asker is gone (a worker that was ended) stops: nobody would read the answer.
# PostgreSQL thinks that two more processes are started in no time; it takes 8 ms, longer than a page's question. For
# counting the whole log they are still started.
DATABASES["default"]["OPTIONS"].setdefault(
    "options",
    "-c lock_timeout=15s -c plan_cache_mode=force_generic_plan -c client_connection_check_interval=5s"
    " -c parallel_setup_cost=10000",
)
DATABASE_ROUTERS = ["common.routers.OwnerOnlyMigrates"]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# -- Broker and jobs --------------------------------------------------------------------------------------------
REDIS_URL = env.text("REDIS_URL")
JOB_LEASE_SECONDS = env.number("CHARTROOM_JOB_LEASE_SECONDS", 60, least=5)
JOB_SWEEP_SECONDS = env.number("CHARTROOM_JOB_SWEEP_SECONDS", 10, least=1)
JOB_ATTEMPTS = 5

# -- People signing in ------------------------------------------------------------------------------------------
AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["accounts.backends.RoleBackend"]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.Argon2PasswordHasher"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "accounts.password_rules.ShortestPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "accounts.password_rules.LongestPasswordValidator"},
    {"NAME": "accounts.password_rules.CommonInDisguiseValidator"},
    {"NAME": "accounts.password_rules.BreachedPasswordValidator"},
]
BREACHED_PASSWORDS = env.text("CHARTROOM_BREACHED_PASSWORDS", "")
LOGIN_URL = "accounts:sign-in"
LOGIN_REDIRECT_URL = "home"
# Of allauth only the second factors are used (docs/decisions/0007); its own pages have no address here.
MFA_ADAPTER = "accounts.authenticators.Adapter"
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_TOTP_TOLERANCE = 1
MFA_TOTP_ISSUER = "Chartroom"
SECOND_FACTOR_ROLES = env.words("CHARTROOM_SECOND_FACTOR_ROLES", "administrator compliance_officer")
SINGLE_SIGN_ON = env.mapping("CHARTROOM_SINGLE_SIGN_ON")  # docs/operators/sign-in.md
SIGN_INS_AT_ONCE = max(
    1, env.number("CHARTROOM_WEB_THREADS", 4, least=1) // 2
)  # of one process, see throttling.py
SESSION_HOURS = env.number("CHARTROOM_SESSION_HOURS", 12, least=1)
DRAFT_HOURS = env.number("CHARTROOM_DRAFT_HOURS", 8, least=1)
IDLE_MINUTES = env.number("CHARTROOM_IDLE_MINUTES", 15, least=1)
CONFIRM_SECONDS = env.number("CHARTROOM_CONFIRM_SECONDS", 300, least=10)
RELEASE_APPROVAL_PAGES = env.number("CHARTROOM_RELEASE_APPROVAL_PAGES", 2000, least=0)  # 0: never
ACCESS_REVIEW_DAYS = env.number("CHARTROOM_ACCESS_REVIEW_DAYS", 21, least=1)
DORMANT_DAYS = env.number("CHARTROOM_DORMANT_DAYS", 90, least=1)
INVITATION_HOURS = env.number("CHARTROOM_INVITATION_HOURS", 72, least=1)
GLASS_HOURS = env.number("CHARTROOM_GLASS_HOURS", 4, least=1)  # how long a broken glass stays so
EMERGENCY_HOURS = env.number("CHARTROOM_EMERGENCY_HOURS", 24, least=1)  # the longest that may be asked for
GLASS_REVIEW_DAYS = env.number(
    "CHARTROOM_GLASS_REVIEW_DAYS", 2, least=1
)  # working days to look at a broken glass
SIGN_OFF_DAYS = env.number(
    "CHARTROOM_SIGN_OFF_DAYS", 10, least=1
)  # working days to sign a month's or quarter's review
TOKEN_HOURS = env.number("CHARTROOM_TOKEN_HOURS", 12, least=1)
TOKEN_DAYS_MOST = env.number("CHARTROOM_TOKEN_DAYS_MOST", 366, least=1)
SESSION_ENGINE = "accounts.sessions"
_HOST_ONLY = "__Host-" if SECURE else ""  # a browser takes such a name from this host by https alone
SESSION_COOKIE_NAME = f"{_HOST_ONLY}chartroom_session"
SESSION_COOKIE_AGE = SESSION_HOURS * 3600
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_SECURE = SECURE
CSRF_COOKIE_NAME = f"{_HOST_ONLY}chartroom_csrf"
CSRF_COOKIE_SECURE = SECURE
CSRF_FAILURE_VIEW = "common.views.csrf_failure"

# -- Who may open which chart -----------------------------------------------------------------------------------
CARE_DAYS = env.number("CHARTROOM_CARE_DAYS", 90, least=0)  # after an encounter's end
APPOINTMENT_HOURS = env.number("CHARTROOM_APPOINTMENT_HOURS", 36, least=0)  # before a planned encounter
WORK_DAYS = env.number(
    "CHARTROOM_WORK_DAYS", 7, least=0
)  # the department's work after a discharge or a filing
NEED_HOURS = env.number("CHARTROOM_NEED_HOURS", 12, least=1)  # a stated need opens a restricted chart so long
ANONYMOUS_USER_NAME = None  # django-guardian makes no user of its own
GUARDIAN_MONKEY_PATCH_USER = False
GUARDIAN_MONKEY_PATCH_GROUP = False
SILENCED_SYSTEM_CHECKS = ["guardian.W001"]  # its backend knows no expiry; patients.access reads its table

# -- Mail: without a host nobody gets any --------------------------------------------------------------------------
EMAIL_HOST = env.text("CHARTROOM_MAIL_HOST", "")
EMAIL_PORT = env.number("CHARTROOM_MAIL_PORT", 587, least=1)
EMAIL_HOST_USER = env.text("CHARTROOM_MAIL_USER", "")
EMAIL_HOST_PASSWORD = env.secret("CHARTROOM_MAIL_PASSWORD", required=False)
EMAIL_USE_TLS = env.flag("CHARTROOM_MAIL_TLS", True)
EMAIL_TIMEOUT = 20
DEFAULT_FROM_EMAIL = env.text("CHARTROOM_MAIL_FROM", "chartroom@localhost")

# -- Transport and browser --------------------------------------------------------------------------------------
SECURE_SSL_REDIRECT = SECURE
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$"]
SECURE_HSTS_SECONDS = 31_536_000 if SECURE else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE
SECURE_HSTS_PRELOAD = SECURE
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
if TRUSTED_PROXIES:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF],
        "font-src": [SELF],
        "connect-src": [SELF],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
        "base-uri": [NONE],
    }
}

# What a page may use of the browser and its devices: nothing but a security key for signing in.
PERMISSIONS_POLICY = ", ".join(
    [
        *(
            f"{name}=()"
            for name in "accelerometer autoplay camera display-capture encrypted-media fullscreen geolocation gyroscope"
            " magnetometer microphone midi payment screen-wake-lock serial usb xr-spatial-tracking".split()
        ),
        "publickey-credentials-create=(self)",
        "publickey-credentials-get=(self)",
    ]
)

# -- Language, time, static files -------------------------------------------------------------------------------
LANGUAGE_CODE = "en-us"
USE_I18N = False
USE_TZ = True
TIME_ZONE = env.text("CHARTROOM_TIME_ZONE", "UTC")
STATIC_URL = "static/"
_COLLECT_INTO = Path(env.text("CHARTROOM_STATIC_ROOT", str(BASE_DIR / "staticfiles")))
STATICFILES_DIRS = [BASE_DIR / "static"]
# Embedded, the files are served as they lie in the checkout; a built image has run collectstatic.
_COLLECTED = (_COLLECT_INTO / "staticfiles.json").exists() and not DEBUG
_COLLECTING = bool(os.environ.get("CHARTROOM_COLLECT"))
STATIC_ROOT = _COLLECT_INTO if _COLLECTED or _COLLECTING else None
WHITENOISE_USE_FINDERS = not _COLLECTED
WHITENOISE_AUTOREFRESH = False
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"
        if _COLLECTED or _COLLECTING
        else "common.staticfiles.RememberingStaticFilesStorage"
    },
}

# -- Files ------------------------------------------------------------------------------------------------------
# With a bucket for storage: files are received on this machine's disk. What is not set, boto3 looks for itself.
STAGING_DIR = Path(env.text("CHARTROOM_STAGING", str(DATA_DIR / "staging")))
S3_ENDPOINT = env.text("CHARTROOM_S3_ENDPOINT", "")
S3_REGION = env.text("CHARTROOM_S3_REGION", "")
S3_ACCESS_KEY = env.text("CHARTROOM_S3_ACCESS_KEY", "")
S3_SECRET_KEY = env.secret("CHARTROOM_S3_SECRET_KEY", required=False)
MAX_UPLOAD_BYTES = env.number("CHARTROOM_MAX_UPLOAD_MB", 200, least=1) * 1_000_000
UPLOADS_PER_MINUTE = env.number("CHARTROOM_UPLOADS_PER_MINUTE", 3000, least=0)  # of one person; 0: no limit
MAX_PAGES = env.number("CHARTROOM_MAX_PAGES", 2000, least=1)
TESSDATA_DIR = env.text("CHARTROOM_TESSDATA", "")
OCR_LANGUAGES = env.text("CHARTROOM_OCR_LANGUAGES", "eng")
DATA_UPLOAD_MAX_MEMORY_SIZE = 2_500_000
DATA_UPLOAD_MAX_NUMBER_FIELDS = 2_000
FILE_UPLOAD_HANDLERS = ["records.documents.uploads.VaultUploadHandler"]

# -- The record's field differences go into the one event table ------------------------------------------------
AUDITLOG_LOGENTRY_MODEL = "audit.FieldChange"
MIGRATION_MODULES = {"auditlog": None}  # its own table is never made

# -- API --------------------------------------------------------------------------------------------------------
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "accounts.authentication.BearerAuthentication",
        "accounts.authentication.BrowserAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["common.parsers.JSONParser", "rest_framework.parsers.MultiPartParser"],
    "DEFAULT_PAGINATION_CLASS": "common.paging.Paging",
    "DEFAULT_SCHEMA_CLASS": "common.api.Schema",
    "EXCEPTION_HANDLER": "audit.refusals.problem",
    "UNAUTHENTICATED_USER": None,
    "URL_FORMAT_OVERRIDE": None,
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Chartroom",
    "DESCRIPTION": "The medical-records department of a hospital as software.",
    "VERSION": "1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "COMPONENT_SPLIT_REQUEST": True,
    "ENUM_GENERATE_CHOICE_DESCRIPTION": False,
    "POSTPROCESSING_HOOKS": ["config.openapi.add_refusals"],
    "SERVE_PERMISSIONS": ["rest_framework.permissions.IsAuthenticated"],
}

# -- Logs: ids only, never a patient's data ---------------------------------------------------------------------
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"()": "config.logs.Line"}, "json": {"()": "config.logs.Json"}},
    "handlers": {
        "stderr": {
            "class": "logging.StreamHandler",
            "formatter": "json" if env.flag("CHARTROOM_LOG_JSON", False) else "line",
        }
    },
    "root": {"handlers": ["stderr"], "level": env.text("CHARTROOM_LOG_LEVEL", "WARNING")},
    "loggers": {"chartroom": {"level": "INFO"}},
}
