# The image of Posthorn: a Debian with Node's program and the package `posthorn`, nothing else. docs/deployment.md says
# how to build and run it. `deploy/docker/image.ts` carries out these very instructions without a daemon, to test them.
#
#   npm run pack && docker build --tag posthorn:0.1.0 .

# Pin them by digest for builds that can be repeated: --build-arg NODE_IMAGE=node@sha256:…
ARG NODE_IMAGE=node:24-trixie-slim
ARG DEBIAN_IMAGE=debian:trixie-slim

# The package is plain JavaScript, so it is installed once, on the machine that builds, for all architectures.
FROM --platform=${BUILDPLATFORM} ${NODE_IMAGE} AS package
ARG VERSION=0.1.0
COPY dist/posthorn-${VERSION}.tgz /tmp/posthorn.tgz
RUN npm install --prefix /opt/posthorn --omit=dev --ignore-scripts --no-audit --no-fund /tmp/posthorn.tgz \
 && groupadd --gid 10001 posthorn \
 && useradd --uid 10001 --gid 10001 --home-dir /data --no-create-home --shell /usr/sbin/nologin posthorn \
 && mkdir --parents /volume \
 && mkdir --mode=0700 /volume/data

FROM ${NODE_IMAGE} AS node

# No instruction from here on runs a program of the image, so building for another architecture needs no emulator.
FROM ${DEBIAN_IMAGE}
ARG VERSION=0.1.0
LABEL org.opencontainers.image.title="Posthorn" \
      org.opencontainers.image.description="Posthorn sends webhooks and doesn't lose any." \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.licenses="Apache-2.0"
# Only the program: npm and its dependencies would be more to update than all the rest together.
COPY --from=node /usr/local/bin/node /usr/local/bin/node
COPY --from=node /usr/local/LICENSE /usr/share/doc/node/LICENSE
COPY --from=package /etc/passwd /etc/group /etc/
COPY --from=package /opt/posthorn /opt/posthorn
# Not `/data /data`: of what COPY names, it takes the contents, and not the mode.
COPY --from=package --chown=10001:10001 /volume /
COPY deploy/docker/health.mjs /opt/posthorn/health.mjs

# In PATH is `posthorn`, for `docker exec … posthorn doctor`. MALLOC_ARENA_MAX saves some 30 MB, as the flag of the
# ENTRYPOINT does: config/config.ts of the server says why.
ENV PATH=/opt/posthorn/node_modules/.bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
    NODE_ENV=production \
    MALLOC_ARENA_MAX=2 \
    POSTHORN_HOST=0.0.0.0 \
    POSTHORN_PORT=8470 \
    POSTHORN_DATA=/data
# Numbers, because Kubernetes can't tell from a name that it isn't root.
USER 10001:10001
WORKDIR /data
VOLUME /data
EXPOSE 8470
STOPSIGNAL SIGTERM
# Whether the process is alive. Not whether it is ready: most that look at the health of containers restart them, which
# brings no database back, and loses outcomes that wait for it.
HEALTHCHECK --interval=10s --timeout=3s --start-period=60s --start-interval=1s --retries=3 \
  CMD ["node", "/opt/posthorn/health.mjs"]
# As PID 1, Node gets SIGTERM itself, and Posthorn drains.
ENTRYPOINT ["node", "--max-semi-space-size=16", "/opt/posthorn/node_modules/.bin/posthorn"]
CMD ["serve"]
