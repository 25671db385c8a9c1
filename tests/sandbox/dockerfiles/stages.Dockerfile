FROM python:3.11-slim AS Packages
COPY requirements.txt /build/
RUN pip install --no-index --only-binary=:all: -r /build/requirements.txt
CMD ["python", "-m", "service"]

FROM python:3.11-slim-bookworm as assets
WORKDIR /build
WORKDIR out
COPY assets/ ./
HEALTHCHECK --interval=30s --timeout=1.5s --retries=3 CMD curl -f http://localhost:8080/healthz || exit 1

FROM packages
COPY --from=assets --chown=10001:10001 build/out /srv/assets/
COPY --from=0 ["/build/requirements.txt", "/srv/"]
COPY --chown=10001 service /srv/service
EXPOSE 8080 9090/udp
