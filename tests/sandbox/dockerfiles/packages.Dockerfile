from docker.io/library/python:3.11-slim-bookworm
workdir /srv
copy requirements.txt more/extra.txt ./lists/
run pip install --no-cache-dir --quiet \
    # the judge brings the wheels
    --no-index --only-binary :all: \
    --requirement=lists/requirements.txt
CMD ["--port", "8080"]
RUN ["python3", "-m", "pip", "install", "--no-index", "--only-binary=:all:", "--find-links", "/wheels", "-r", "/srv/lists/extra.txt"]
COPY . .
USER 10001:10001
ENTRYPOINT ["gunicorn", "app:app"]
