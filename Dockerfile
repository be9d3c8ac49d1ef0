# syntax=docker/dockerfile:1

# Builds one static binary (musl) and puts nothing else into the image but the certificate authorities that outgoing TLS is
# checked against. Time zones are in the binary.

FROM rust:1.95-alpine AS build
RUN apk add --no-cache build-base ca-certificates linux-headers perl
WORKDIR /src
COPY . .
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/src/target \
    cargo build --release --locked && cp target/release/munjigi /munjigi
# What the service writes to, owned by the account it runs as.
RUN mkdir -p /root-fs/var/lib/munjigi /root-fs/etc/munjigi && chown -R 65532:65532 /root-fs/var/lib/munjigi

FROM scratch
COPY --from=build /root-fs/ /
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY --from=build /munjigi /munjigi
USER 65532:65532
VOLUME /var/lib/munjigi
EXPOSE 8443
STOPSIGNAL SIGTERM
ENTRYPOINT ["/munjigi"]
CMD ["run", "-c", "/etc/munjigi/gateway.toml"]
