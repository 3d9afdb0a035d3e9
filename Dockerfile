# The release image: the bot alone, without the stand-in for Discord, run by a user that owns nothing but its volume.
#
#   docker build --tag holdpoint .
#   docker run --init --read-only --cap-drop ALL --security-opt no-new-privileges \
#       --volume holdpoint:/var/lib/holdpoint --env HOLDPOINT__DISCORD__TOKEN_FILE=/run/secrets/discord-token \
#       --mount type=bind,source=/path/to/token,target=/run/secrets/discord-token,readonly \
#       --publish 127.0.0.1:8080:8080 holdpoint
#
# `--init` reaps what a command of a check leaves behind.

FROM rust:1.95-slim-bookworm AS build
WORKDIR /build
# Queries are checked against what .sqlx says; there is no database here.
ENV SQLX_OFFLINE=true CARGO_TERM_COLOR=never
COPY . .
# What was fetched and compiled is kept between builds outside of the layers, so that a change of a source builds that
# and not all that it depends on.
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/build/target \
    cargo build --locked --release --no-default-features --package holdpoint \
    && install -D --mode=0755 target/release/holdpoint /out/holdpoint

FROM debian:bookworm-slim
# The certificates are for the commands that checks run; the bot brings its own.
RUN apt-get update \
    && apt-get install --yes --no-install-recommends ca-certificates \
    && rm -rf /var/lib/apt/lists/* \
    && groupadd --gid 10001 holdpoint \
    && useradd --uid 10001 --gid holdpoint --no-create-home --home-dir /var/lib/holdpoint --shell /usr/sbin/nologin holdpoint \
    && install -d --owner=holdpoint --group=holdpoint --mode=0750 /var/lib/holdpoint
COPY --from=build /out/holdpoint /usr/local/bin/holdpoint
# Mount checklists of your own over this directory.
COPY checklists /usr/share/holdpoint/checklists
COPY LICENSE-MIT LICENSE-APACHE /usr/share/doc/holdpoint/

# Inside a container the health check and the published port need an address that is not loopback. SQLite puts what it
# sorts and does not hold in memory beside the database, for the rest of the file system may be read-only.
ENV HOLDPOINT__DATABASE__PATH=/var/lib/holdpoint/holdpoint.db \
    HOLDPOINT__CHECKLISTS__DIRECTORY=/usr/share/holdpoint/checklists \
    HOLDPOINT__HTTP__LISTEN=0.0.0.0:8080 \
    SQLITE_TMPDIR=/var/lib/holdpoint

# By number, so that an orchestrator can see that it is not root.
USER 10001:10001
WORKDIR /var/lib/holdpoint
VOLUME ["/var/lib/holdpoint"]
EXPOSE 8080
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=5s --start-period=20s --retries=3 CMD ["holdpoint", "health"]
ENTRYPOINT ["holdpoint"]
CMD ["serve"]
