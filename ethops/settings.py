"""Django's settings: the environment put in Django's words, no logic."""

from typing import Any

import django_stubs_ext
from psycopg.conninfo import conninfo_to_dict

from ethops import env, logs, peers

# Lets `admin.ModelAdmin[Model]` be written in classes.
django_stubs_ext.monkeypatch()

_said = env.load()
_database = conninfo_to_dict(_said.database_url)

BASE_DIR = env.CLONE
SECRET_KEY = _said.secret_key
DEBUG = _said.debug
ALLOWED_HOSTS = list(_said.allowed_hosts)
CSRF_TRUSTED_ORIGINS = [
    f"{scheme}://{host}:{_said.web_port}" for host in ALLOWED_HOSTS for scheme in ("http", "https")
]
ROOT_URLCONF = "ethops.urls"
ASGI_APPLICATION = "ethops.asgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True
TIME_ZONE = "UTC"
LANGUAGE_CODE = "en-gb"
USE_I18N = False
LOGIN_URL = "admin:login"

INSTALLED_APPS = [
    # Ours first: its templates take the place of the admin's.
    "ethops",
    "ethops.desk",
    "ethops.logins",
    "ethops.sla",
    "ethops.guests",
    "ethops.muting",
    "ethops.pulls",
    "ethops.figures",
    "ethops.notify",
    "ethops.mail",
    "personas",
    "personas.autonomy",
    "personas.agentops",
    "personas.approvals",
    "personas.memory",
    "personas.guardrails",
    "gpu",
    "adapters",
    "adapters.tickets",
    "adapters.tickets.itop",
    "adapters.cmdb",
    "adapters.monitoring",
    "adapters.telemetry",
    "adapters.compliance",
    "adapters.forge",
    "adapters.knowledge",
    "audit",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "rest_framework",
    "rest_framework.authtoken",
    "drf_spectacular",
    "django_celery_beat",
    "django_linear_migrations",
]

MIDDLEWARE = [
    # First of all, so that error pages and static files carry the policy too.
    "ethops.api.csp.ContentSecurityPolicy",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "ethops.logins.guard.Guard",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    }
]

_database_options: dict[str, Any] = {
    "application_name": f"ethops {_said.process}",
    "connect_timeout": 5,
}
if _said.database_pool:
    # At the web's door somebody waits while a session is opened.
    _database_options["pool"] = {
        "min_size": 4 if _said.process == "web" else 0,
        "max_size": 12,
        "timeout": 10,
    }

DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": _database.get("dbname") or "ethops",
        "USER": _database.get("user") or "",
        "PASSWORD": _database.get("password") or "",
        "HOST": _database.get("host") or "",
        "PORT": str(_database.get("port") or ""),
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": _database_options,
    }
}

STATIC_URL = "static/"
# Served from the packages themselves: no collectstatic before the first start.
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = False

SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE_SSL_REDIRECT = _said.https
SECURE_HSTS_SECONDS = 31_536_000 if _said.https else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = _said.https
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if _said.https else None
# The supervisor asks this one on loopback, without the proxy.
# iTop follows a redirect with an empty body, and its callback would be lost: it is refused instead.
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^api/v1/itop/callback/?$"]
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_SAMESITE = "Lax"
X_FRAME_OPTIONS = "DENY"
SECURE_REFERRER_POLICY = "same-origin"
# One webhook of Alertmanager is at most this long; the view itself refuses earlier.
DATA_UPLOAD_MAX_MEMORY_SIZE = 4 * 1024 * 1024

AUTHENTICATION_BACKENDS = [
    "django.contrib.auth.backends.ModelBackend",
    # These let nobody in where no directory and no provider is declared.
    "ethops.logins.ldap.DirectoryBackend",
    "ethops.logins.oidc.ProviderBackend",
]

AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "rest_framework.authentication.TokenAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "DEFAULT_PAGINATION_CLASS": "rest_framework.pagination.LimitOffsetPagination",
    "PAGE_SIZE": 50,
    "EXCEPTION_HANDLER": "ethops.api.problems.handler",
}

SPECTACULAR_SETTINGS = {
    "TITLE": "ethops",
    "DESCRIPTION": "Tickets, runs, actions, ledger and intake of one site.",
    "VERSION": "1",
    "SERVE_INCLUDE_SCHEMA": False,
}

LOGGING_CONFIG = "logging.config.dictConfig"
LOGGING = logs.dict_config(_said.process)

DJANGO_CELERY_BEAT_TZ_AWARE = True
CELERY_TIMEZONE = "UTC"

EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"

ADAPTERS: dict[str, dict[str, Any]] = {
    "tickets": {
        "adapter": "adapters.tickets.itop.desk" if _said.itop_url else "adapters.tickets.embedded",
        "url": _said.itop_url,
        "token": _said.itop_token,
        "user": _said.itop_user,
        "org": _said.itop_org,
        "team": _said.itop_team,
        "agent": _said.itop_agent,
        "zone": _said.itop_zone,
    },
    "cmdb": {"adapter": "adapters.cmdb.embedded"},
    "monitoring": {"adapter": "adapters.monitoring.embedded"},
    "telemetry": (
        {"adapter": "adapters.telemetry.bus", "url": _said.telemetry_bus}
        if _said.telemetry_bus
        else {"adapter": "adapters.telemetry.embedded"}
    ),
    "inference": {"adapter": "adapters.inference.embedded"},
    # graph, forge, knowledge and compliance
    **peers.chosen(env.inherited(), _said.scap_results),
}

ETHOPS_PROCESS = _said.process
ETHOPS_STATE = _said.state
ETHOPS_SITE = _said.site
ETHOPS_LOGINS = _said.logins_file
ETHOPS_LEASE_SECONDS = _said.lease_seconds
ETHOPS_ATTACHMENT_MIB = _said.attachment_mib
ETHOPS_NOTIFY = _said.notify
ETHOPS_SMTP_URL = _said.smtp_url
ETHOPS_MAIL_FROM = _said.mail_from
ETHOPS_MAIL_LISTEN = _said.mail_listen
ETHOPS_MAIL_DOMAINS = _said.mail_domains
ETHOPS_URL = _said.url
ETHOPS_TELEMETRY_BUS = _said.telemetry_bus
ETHOPS_REDIS_URL = _said.redis_url
ETHOPS_WEB_PORT = _said.web_port
ETHOPS_FLOWER_PORT = _said.flower_port
ETHOPS_GPU = _said.gpu_file
ETHOPS_OLLAMA_HOST = _said.ollama_host
ETHOPS_INFERENCE_SERVER = peers.inference(env.inherited())
ETHOPS_GPU_PROFILE = _said.gpu_profile
ETHOPS_GPU_CARD = _said.gpu_card
ETHOPS_GPU_REDIS_URL = env.next_database(_said.redis_url)
ETHOPS_GPU_POLICY = _said.gpu_policy
ETHOPS_GPU_SCALE = _said.gpu_scale
ETHOPS_GPU_DEVICE = _said.gpu_device
ETHOPS_ITOP_CALLBACK_SECRETS = _said.itop_callback_secrets
ETHOPS_INFERENCE = _said.inference
