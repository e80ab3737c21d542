import type { Settings } from '../../settings/settings.js';

interface Secured {
  readonly servers: object;
  /** To be spread into the components. */
  readonly securitySchemes: object;
}

const SCHEMES = {
  bearer: {
    type: 'http',
    scheme: 'bearer',
    bearerFormat: 'JWT',
    description: 'In `Authorization` of the upgrade request, where the program may write headers.',
  },
  subprotocol: {
    type: 'httpApiKey',
    in: 'header',
    name: 'Sec-WebSocket-Protocol',
    description: '`bearer.TOKEN` among the offered subprotocols: the one header that a browser lets a page write.',
  },
  certificate: { type: 'X509', description: 'A certificate of the client, asked for in the TLS handshake.' },
} as const;

/** Addresses to listen on that nobody can connect to. */
const EVERYWHERE: ReadonlySet<string> = new Set(['0.0.0.0', '::']);

/** Where the server is reached, and by what proof. */
export function secured({ host, port, auth, tlsCertFile, tlsClientCaFile }: Settings): Secured {
  const needed = [
    ...(auth === 'off' ? [] : (['bearer', 'subprotocol'] as const)),
    ...(tlsClientCaFile === undefined ? [] : (['certificate'] as const)),
  ];
  const security = needed.map((name) => ({ $ref: `#/components/securitySchemes/${name}` }));
  const authority = `${EVERYWHERE.has(host) ? '127.0.0.1' : host.includes(':') ? `[${host}]` : host}:${port}`;
  const direct = server(tlsCertFile === undefined ? 'ws' : 'wss', authority, tokens(auth, 'Straight to the process.'));
  const proxied = server('wss', 'localhost', tokens(auth, 'Through the TLS proxy.'));
  const asked = security.length > 0 && { security };
  return {
    servers: { direct: { ...direct, ...asked }, proxied: { ...proxied, ...asked } },
    securitySchemes:
      needed.length === 0 ? {} : { securitySchemes: Object.fromEntries(needed.map((name) => [name, SCHEMES[name]])) },
  };
}

function server(protocol: 'ws' | 'wss', authority: string, description: string): object {
  return {
    host: '{authority}',
    protocol,
    protocolVersion: '13',
    description,
    variables: { authority: { default: authority, description: 'Host, with the port where it is not the usual one.' } },
  };
}

function tokens(auth: Settings['auth'], where: string): string {
  if (auth === 'off') return where;
  return `${where} A token is ${auth === 'required' ? 'required' : 'optional, but one that is shown must be good'}.`;
}
