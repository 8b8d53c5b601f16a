# Chartroom's program, for web, worker, beat and migrations alike. It holds no secret and no data.
FROM python:3.11-slim-bookworm AS packages
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
COPY requirements.lock /tmp/requirements.lock
RUN python -m venv /opt/venv && /opt/venv/bin/pip install --require-hashes -r /tmp/requirements.lock

FROM python:3.11-slim-bookworm
RUN useradd --system --uid 10001 --home-dir /srv/chartroom --shell /usr/sbin/nologin chartroom \
    && install -d -o chartroom -g chartroom -m 0700 /srv/chartroom /srv/chartroom/files /srv/chartroom/run
COPY --from=packages /opt/venv /opt/venv
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    DJANGO_SETTINGS_MODULE=config.settings \
    CHARTROOM_DATA=/srv/chartroom \
    CHARTROOM_STORAGE=/srv/chartroom/files \
    CHARTROOM_RUN=/srv/chartroom/run \
    CHARTROOM_STATIC_ROOT=/app/staticfiles
WORKDIR /app
COPY . /app
# Collecting the static files reads the settings, which want keys: these are made here and forgotten with the line.
RUN CHARTROOM_COLLECT=1 \
    CHARTROOM_SECRET_KEY="$(python -c 'import secrets; print(secrets.token_urlsafe(60))')" \
    CHARTROOM_MASTER_KEYS="build:$(python -c 'import base64, secrets; print(base64.b64encode(secrets.token_bytes(32)).decode())')" \
    DATABASE_URL=postgresql://nobody@localhost/nothing \
    REDIS_URL=redis://localhost/0 \
    python manage.py collectstatic --no-input
USER chartroom
EXPOSE 8000
HEALTHCHECK --interval=15s --timeout=5s --start-period=30s \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/healthz', timeout=4)"]
CMD ["gunicorn", "--config", "deploy/gunicorn.conf.py", "--bind", "0.0.0.0:8000", "config.wsgi:application"]
