# Two stages: build with the toolchain of the native packages, run with Node alone, as an ordinary user.
# A newer digest: docker buildx imagetools inspect node:24-bookworm-slim
FROM node:24-bookworm-slim@sha256:a9f5f7c91c432850b2a8a7797adf5eadb6c733ceed61167806cee7ea7fbc29df AS build
RUN apt-get update && apt-get install -y --no-install-recommends python3 make g++ && rm -rf /var/lib/apt/lists/*
WORKDIR /app
COPY . .
RUN npm run build && npm prune --omit=dev --ignore-scripts

FROM node:24-bookworm-slim@sha256:a9f5f7c91c432850b2a8a7797adf5eadb6c733ceed61167806cee7ea7fbc29df
WORKDIR /app
ENV NODE_ENV=production RELATED_PINS_DATA=/data RELATED_PINS_HOST=0.0.0.0 RELATED_PINS_PORT=8080
COPY --from=build /app/package.json ./
COPY --from=build /app/node_modules ./node_modules
COPY --from=build /app/dist ./dist
COPY --from=build /app/data ./data
COPY --from=build /app/deploy/spark ./deploy/spark
RUN useradd --system --uid 10001 pins && mkdir /data /published && chown pins /data /published
USER pins
VOLUME /data
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s CMD ["node", "-e", "fetch('http://127.0.0.1:8080/health/ready').then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
ENTRYPOINT ["node", "dist/src/cli.js"]
CMD ["serve"]
