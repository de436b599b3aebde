# vecmill and its command:  docker build -t vecmill . && docker run --rm -v "$PWD:/data" vecmill train-embeddings text.txt --out model
FROM python:3.13-slim AS build
WORKDIR /src
COPY pyproject.toml README.md LICENSE ./
COPY vecmill vecmill
COPY corpora corpora
COPY embeddings embeddings
COPY pipelines pipelines
RUN python -m venv /opt/vecmill && /opt/vecmill/bin/pip install --no-cache-dir '.[parquet,remote]'

FROM python:3.13-slim
COPY --from=build /opt/vecmill /opt/vecmill
ENV PATH=/opt/vecmill/bin:$PATH NUMBA_CACHE_DIR=/cache/numba VECMILL_CACHE=/cache/vecmill
RUN useradd --uid 1000 --create-home vecmill && install --directory --owner 1000 /cache /data
USER 1000
WORKDIR /data
VOLUME ["/cache"]
ENTRYPOINT ["vecmill"]
CMD ["--help"]
