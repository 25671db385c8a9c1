FROM python:3.11-slim
ARG PORT=8080
ARG UNUSED
ARG TITLE="two words"
ENV PORT=${PORT} PATH=/opt/bin:$PATH \
    GREETING="say \"hi\" for \$5, C:\temp" \
    SINGLE='$PORT is "kept" \n' \
    BLANK=a\ b\$c NOTHING= EMPTY=""
ENV PORT=9000 BEFORE=$PORT
LABEL "org.opencontainers.image.title"="$TITLE" version=1.0 words='grüße, 世界'
WORKDIR "/srv/$PORT"
COPY conf-$BEFORE.toml ./
EXPOSE $PORT ${BEFORE}/tcp
USER app:10001
CMD ["sh", "-c", "echo \"$PORT\" ${HOME:-/tmp} 'ü' \\ \n\ttwo"]
