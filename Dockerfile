# syntax=docker/dockerfile:1

# Builds one static binary and puts nothing else into the image but the certificate authorities that outgoing TLS is checked
# against. Time zones are in the binary.

FROM rust:1.95-slim-bookworm AS build
RUN apt-get update \
 && apt-get install -y --no-install-recommends build-essential ca-certificates \
 && rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY . .
# Static against glibc, whose resolver is the one the tests run with. Naming the target keeps the flag away from
# build scripts and macros, which have to stay dynamic.
ENV RUSTFLAGS="-C target-feature=+crt-static"
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/src/target \
    target="$(rustc -vV | sed -n 's/^host: //p')" \
 && cargo build --release --locked --target "$target" \
 && cp "target/$target/release/munjigi" /munjigi
# What the service writes to, owned by the account it runs as. /tmp is for SQLite, which sorts there what is too large for memory.
RUN mkdir -p /root-fs/var/lib/munjigi /root-fs/etc/munjigi /root-fs/tmp \
 && chown -R 65532:65532 /root-fs/var/lib/munjigi \
 && chmod 700 /root-fs/var/lib/munjigi && chmod 1777 /root-fs/tmp

FROM scratch
COPY --from=build /root-fs/ /
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY --from=build /munjigi /munjigi
USER 65532:65532
VOLUME /var/lib/munjigi
EXPOSE 8443
STOPSIGNAL SIGTERM
# Asks the admin listener of the same configuration whether it is ready.
HEALTHCHECK --interval=30s --timeout=5s --start-period=10s CMD ["/munjigi", "health", "-c", "/etc/munjigi/gateway.toml"]
ENTRYPOINT ["/munjigi"]
CMD ["run", "-c", "/etc/munjigi/gateway.toml"]
