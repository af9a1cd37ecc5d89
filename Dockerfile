# The server over HTTP, for callers that bring their own keys. Over stdio: docker run -i --rm IMAGE serve
# Pin it by digest: --build-arg PYTHON_IMAGE=python@sha256:...
ARG PYTHON_IMAGE=python:3.13.9-slim
FROM ${PYTHON_IMAGE} AS build
WORKDIR /build
# Every package has a version and its hashes: make requirements. For traces: --build-arg REQUIREMENTS=requirements-otel.txt
ARG REQUIREMENTS=requirements.txt
COPY deploy/requirements.txt deploy/requirements-otel.txt deploy/requirements-build.txt deploy/
RUN python -m venv --without-pip /opt/errtrack \
 && pip --python /opt/errtrack/bin/python install --no-cache-dir --no-deps --require-hashes -r "deploy/${REQUIREMENTS}" \
 && pip install --no-cache-dir --no-deps --require-hashes -r deploy/requirements-build.txt
COPY pyproject.toml README.md LICENSE ./
COPY src src
# What is installed is what was copied, so there is no version to fix.
# hadolint ignore=DL3013
RUN pip wheel --no-cache-dir --no-deps --no-build-isolation --wheel-dir dist . \
 && pip --python /opt/errtrack/bin/python install --no-cache-dir --no-deps dist/*.whl

FROM ${PYTHON_IMAGE}
COPY --from=build /opt/errtrack /opt/errtrack
# By itself glibc raises the threshold, and then keeps the memory of large answers that are gone.
ENV PATH=/opt/errtrack/bin:$PATH \
    MALLOC_MMAP_THRESHOLD_=131072 \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1
USER 10001:10001
EXPOSE 8000
HEALTHCHECK --interval=30s --timeout=5s --start-period=10s --retries=3 \
  CMD ["python", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:8000/healthz', timeout=3)"]
ENTRYPOINT ["errtrack-mcp"]
CMD ["serve", "--transport", "http", "--host", "0.0.0.0", "--port", "8000", "--public", "--log-format", "json"]
