# syntax=docker/dockerfile:1
# Bases are named by tag: pin them by digest where the image is built (docs/operations.md).

FROM node:20.19.5-bookworm-slim AS build
# The npm package starts the runtime through Node; the image needs only the binary behind it.
RUN npm install --prefix /opt/runtime --no-fund --no-audit deno@2.9.3 \
  && cp -L /opt/runtime/node_modules/@deno/linux-*/deno /usr/local/bin/deno
ENV DENO_DIR=/opt/deno-cache
WORKDIR /app
COPY deno.json deno.lock mod.ts ./
COPY scripts scripts
COPY src src
COPY proto/gen proto/gen
COPY wasm wasm
# Compilers and test libraries are installed with the rest; once the WASM is built and the modules are cached, they go.
RUN deno install --quiet --frozen \
  && deno run --no-prompt --ignore-env --allow-read --allow-write=wasm scripts/wasm.ts --if-stale \
  && deno cache --quiet src/main.ts \
  && rm -rf "$DENO_DIR/npm" scripts wasm/assembly wasm/generate \
  && mkdir /empty
WORKDIR /app/node_modules/.deno
RUN rm -rf assemblyscript@* binaryen@* typescript@* @typescript+* @types+node@* fast-check@* \
  @bufbuild+buf@* @bufbuild+buf-* @bufbuild+protoc-gen-es@* @bufbuild+protoplugin@*

# glibc and libstdc++, which the runtime and the storage library need; no shell, no package manager.
FROM gcr.io/distroless/cc-debian12:nonroot AS runtime
# The admin listener stays on the container's own 127.0.0.1:9600.
ENV DENO_DIR=/opt/deno-cache DENO_NO_UPDATE_CHECK=1 NO_COLOR=1
WORKDIR /app
COPY --from=build /usr/local/bin/deno /usr/local/bin/deno
COPY --from=build /opt/deno-cache /opt/deno-cache
COPY --from=build /app /app
COPY --from=build --chown=nonroot:nonroot /empty /data
# 65532 is nonroot: by number, so that a cluster can see that it is not root.
USER 65532:65532
VOLUME /data
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=15s --timeout=5s --start-period=30s \
  CMD ["/usr/local/bin/deno", "run", "--quiet", "--cached-only", "--node-modules-dir=manual", "--no-prompt", "--ignore-env", "--allow-net=127.0.0.1", "--allow-read=.,/data", "--allow-env=CAIRN_*", "src/main.ts", "healthcheck"]

# docker build --target rootstock: the Rootstock light client, whose peers are anywhere.
FROM runtime AS rootstock
ENV CAIRN__NODE__PROFILE=rootstock
EXPOSE 5050/tcp 5050/udp 4444
ENTRYPOINT ["/usr/local/bin/deno", "run", "--quiet", "--cached-only", "--node-modules-dir=manual", "--no-prompt", "--ignore-env", "--allow-net", "--allow-read=.,/data,/etc/alpine-release", "--allow-write=/data", "--allow-ffi=node_modules", "--allow-env=CAIRN_*", "src/main.ts"]
CMD ["start", "--data", "/data"]

# The block node: what is built unless a target is named.
FROM runtime AS blocks
ENV CAIRN__BLOCKS__RPC__ADDRESS=0.0.0.0:40840
EXPOSE 40840
ENTRYPOINT ["/usr/local/bin/deno", "run", "--quiet", "--cached-only", "--node-modules-dir=manual", "--no-prompt", "--ignore-env", "--allow-net=127.0.0.1,0.0.0.0", "--allow-read=.,/data,/etc/alpine-release", "--allow-write=/data", "--allow-ffi=node_modules", "--allow-env=CAIRN_*", "src/main.ts"]
CMD ["start", "--data", "/data"]
