FROM python:3.11-slim
ARG VERSION="1 $LANG"
ARG PORT=1
ENV PORT=2
RUN echo "$VERSION" > /version && \
    test -s /version
RUN ["python", "-c", "print('x')"]
CMD ["cat", "/version"]
