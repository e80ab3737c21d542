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

/** Parts of the address that a process does not know, because a proxy may have another address and remove a path. */
const ADDRESS = {
  host: '{authority}',
  pathname: '{prefix}',
  variables: {
    authority: {
      description: 'Host, and the port where it is not the default port.',
      examples: ['chat.example.com', '127.0.0.1:3000'],
    },
    prefix: { default: '', description: 'Path that a proxy removes from requests.', examples: ['/chat'] },
  },
} as const;

/** Describes how clients reach the server and how they authenticate. */
export function describeServers({ auth, tlsCertFile, tlsClientCaFile }: Settings): ServerDescription {
  const schemes = [
    ...(auth === 'off' ? [] : (['bearer', 'subprotocol'] as const)),
    ...(tlsClientCaFile === undefined ? [] : (['certificate'] as const)),
  ];
  const security = schemes.map((name) => ({ $ref: `#/components/securitySchemes/${name}` }));
  const direct = server(tlsCertFile === undefined ? 'ws' : 'wss', withToken('Directly to the process.', auth));
  const proxied = server('wss', withToken('Through the TLS proxy.', auth));
  const required = security.length > 0 && { security };
  return {
    servers: { direct: { ...direct, ...required }, proxied: { ...proxied, ...required } },
    securitySchemes:
      schemes.length === 0 ? {} : { securitySchemes: Object.fromEntries(schemes.map((name) => [name, SCHEMES[name]])) },
  };
}

function server(protocol: 'ws' | 'wss', description: string): object {
  return { ...ADDRESS, protocol, protocolVersion: '13', description };
}

function withToken(description: string, auth: Settings['auth']): string {
  if (auth === 'off') return description;
  return `${description} A token is ${auth === 'required' ? 'required' : 'optional, but must be valid'}.`;
}
