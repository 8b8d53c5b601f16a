#!/bin/sh
# Run once by the postgres image on an empty volume: the two roles and the database, as Chartroom makes them embedded.
set -eu
psql --set ON_ERROR_STOP=1 --username postgres --dbname postgres \
  --set owner_password="$CHARTROOM_OWNER_PASSWORD" --set app_password="$CHARTROOM_APP_PASSWORD" <<'SQL'
CREATE ROLE chartroom_owner LOGIN PASSWORD :'owner_password';
CREATE ROLE chartroom_app LOGIN PASSWORD :'app_password';
CREATE DATABASE chartroom OWNER chartroom_owner;
REVOKE ALL ON DATABASE chartroom FROM PUBLIC;
GRANT CONNECT ON DATABASE chartroom TO chartroom_app;
SQL
