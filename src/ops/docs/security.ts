import type { Settings } from '../../settings/settings.js';

interface ServerDescription {
  readonly servers: object;
  /** Spread into the components; empty where no authentication is needed. */
  readonly securitySchemes: object;
}

const SCHEMES = {
  bearer: {
    type: 'http',
    scheme: 'bearer',
    bearerFormat: 'JWT',
    description: 'In the header `Authorization` of the upgrade request, where the client can set headers.',
  },
  subprotocol: {
    type: 'httpApiKey',
    in: 'header',
    name: 'Sec-WebSocket-Protocol',
    description: '`bearer.TOKEN` among the offered subprotocols, because a page can set no other header.',
  },
  certificate: { type: 'X509', description: 'A client certificate, requested in the TLS handshake.' },
} as const;

/** Addresses to listen on that are no address to connect to. */
const UNSPECIFIED_ADDRESSES: ReadonlySet<string> = new Set(['0.0.0.0', '::']);

/** Describes the addresses of the server and how clients authenticate. */
export function describeServers({ host, port, auth, tlsCertFile, tlsClientCaFile }: Settings): ServerDescription {
  const schemes = [
    ...(auth === 'off' ? [] : (['bearer', 'subprotocol'] as const)),
    ...(tlsClientCaFile === undefined ? [] : (['certificate'] as const)),
  ];
  const security = schemes.map((name) => ({ $ref: `#/components/securitySchemes/${name}` }));
  const authority = `${UNSPECIFIED_ADDRESSES.has(host) ? '127.0.0.1' : host.includes(':') ? `[${host}]` : host}:${port}`;
  const direct = server(
    tlsCertFile === undefined ? 'ws' : 'wss',
    authority,
    withToken('Directly to the process.', auth),
  );
  const proxied = server('wss', 'localhost', withToken('Through the TLS proxy.', auth));
  const required = security.length > 0 && { security };
  return {
    servers: { direct: { ...direct, ...required }, proxied: { ...proxied, ...required } },
    securitySchemes:
      schemes.length === 0 ? {} : { securitySchemes: Object.fromEntries(schemes.map((name) => [name, SCHEMES[name]])) },
  };
}

function server(protocol: 'ws' | 'wss', authority: string, description: string): object {
  return {
    host: '{authority}',
    protocol,
    protocolVersion: '13',
    description,
    variables: {
      authority: { default: authority, description: 'Host, and the port where it is not the default port.' },
    },
  };
}

function withToken(description: string, auth: Settings['auth']): string {
  if (auth === 'off') return description;
  return `${description} A token is ${auth === 'required' ? 'required' : 'optional, but must be valid'}.`;
}
