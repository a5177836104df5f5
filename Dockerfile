# docker build --tag isolation-exporter:0.1.0 .

FROM node:24-trixie-slim AS dependencies
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
# Optional packages are compiled, and only speed up SSH.
RUN npm ci --omit=dev --omit=optional
# The commit for isolation_exporter_build_info: --build-arg REVISION=$(git rev-parse HEAD)
ARG REVISION
RUN npm pkg set "revision=$REVISION"

FROM node:24-trixie-slim AS build
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci
COPY tsconfig.json ./
COPY tools/build.ts tools/
COPY src src
RUN npm run build

FROM node:24-trixie-slim
ARG REVISION
LABEL org.opencontainers.image.title="isolation-exporter"
LABEL org.opencontainers.image.description="Prometheus exporter for the isolation of containers"
LABEL org.opencontainers.image.base.name="docker.io/library/node:24-trixie-slim"
LABEL org.opencontainers.image.licenses="Apache-2.0"
LABEL org.opencontainers.image.version="0.1.0"
LABEL org.opencontainers.image.revision="$REVISION"
ENV NODE_ENV=production
WORKDIR /app
COPY --from=dependencies /app/package.json ./
COPY --from=dependencies /app/node_modules node_modules
COPY --from=build /app/dist dist
# No USER: added capabilities are only effective for uid 0, so run it as uid 0 with all others dropped, as in
# deploy/docker/compose.yaml.
EXPOSE 10061
# With another address or TLS, set your own health check.
HEALTHCHECK --interval=1m --timeout=10s --start-period=10s CMD ["node", "-e", "fetch('http://localhost:10061/-/healthy').then(({ ok }) => process.exit(ok ? 0 : 1))"]
ENTRYPOINT ["node", "--max-semi-space-size=1", "dist/cli.js"]
