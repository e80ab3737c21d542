# The messaging server. Uses no BuildKit-only instruction, so the classic builder works too.

FROM node:24-bookworm-slim AS build
WORKDIR /app
# Copy the manifests first, so that a change in the source does not repeat the installation.
COPY package.json package-lock.json ./
COPY packages/client/package.json ./packages/client/
RUN npm ci --no-audit --no-fund
COPY nest-cli.json tsconfig.json ./
COPY scripts/build-client.js ./scripts/
COPY packages ./packages
COPY src ./src
RUN npm run build && npm prune --omit=dev --omit=optional --no-audit --no-fund

FROM node:24-bookworm-slim
ENV NODE_ENV=production
WORKDIR /app
COPY package.json LICENSE* ./
COPY config ./config
COPY --from=build /app/node_modules ./node_modules
COPY --from=build /app/dist ./dist
# All files above belong to root, so the process can read its code and not change it. A new volume takes the owner, the group
# and the mode of the folder that it is mounted on. 101 is the group of nginx in its official images.
RUN mkdir -m 0750 /run/switchboard && chown node:101 /run/switchboard \
  && mkdir -m 0700 /var/lib/switchboard && chown node:node /var/lib/switchboard
USER node
EXPOSE 3000
# Node 24 lets the young part of its heap grow to 128 MiB; docs/operations.md, "Memory".
CMD ["node", "--max-semi-space-size=16", "dist/main.js"]
