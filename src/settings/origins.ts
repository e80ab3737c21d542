/** Schemes whose URLs have a host and a default port: of web pages, and of programs that send the URL of the server. */
const WEB = /^(https?|wss?):\/\//i;
/** A scheme and a host with an optional port; `file://` and some apps have no host. */
const ORIGIN = /^[a-z][a-z\d+.-]*:\/\/[^\s/?#@%*\\]*$/i;
/** Every host of a scheme. */
const SCHEME = /^([a-z][a-z\d+.-]*:\/\/)\*$/i;
const HOST = /^([^\s/?#@%*\\:[\]]+|\[[\da-f:.]+\])$/i;

/** The origins of `ALLOWED_ORIGINS`. */
export class AllowedOrigins {
  /** Whether every origin is listed. */
  readonly any: boolean;
  readonly #exact: ReadonlySet<string>;
  /** Schemes with `://` whose every host is listed. */
  readonly #schemes: ReadonlySet<string>;
  /** Prefix and suffix of each wildcard origin: `https://` and `.example.com` of `https://*.example.com`. */
  readonly #wildcards: readonly (readonly [prefix: string, suffix: string])[];

  constructor(listed: readonly string[]) {
    const wildcards = listed.filter((each) => each.includes('://*.'));
    this.any = listed.includes('*');
    this.#schemes = new Set(listed.flatMap((each) => SCHEME.exec(each.toLowerCase())?.[1] ?? []));
    this.#exact = new Set(listed.map((each) => toOrigin(each) ?? each));
    this.#wildcards = wildcards.map((each) => {
      const [scheme, host] = toOrigin(each.replace('*.', ''))!.split('//');
      return [`${scheme}//`, `.${host}`];
    });
  }

  /** @param origin in the form of {@link toOrigin} */
  has(origin: string): boolean {
    return (
      this.#exact.has(origin) ||
      this.#wildcards.some(([prefix, suffix]) => matchesOneLabel(origin, prefix, suffix)) ||
      [...this.#schemes].some((scheme) => origin.startsWith(scheme) && origin !== scheme)
    );
  }
}

/** Returns whether an entry of `ALLOWED_ORIGINS` is `*`, `null`, an origin, or a wildcard. */
export function isAllowedOrigin(entry: string): boolean {
  if (entry === '*' || entry === 'null') return true;
  if (WEB.test(entry)) entry = entry.replace('://*.', '://');
  else if (SCHEME.test(entry)) return true;
  return ORIGIN.test(entry) && toOrigin(entry) !== undefined;
}

/**
 * Returns an `Origin` (RFC 6454) in one spelling: in lower case and punycode, without a default port and without the dot at
 * the end of a host. Origins of other schemes than those of the web, and `null`, keep their text, in lower case.
 *
 * @returns `undefined` for a text that is not an origin
 */
export function toOrigin(text: string): string | undefined {
  if (text === 'null') return text;
  if (!ORIGIN.test(text)) return undefined;
  if (!WEB.test(text)) return text.toLowerCase();
  if (!URL.canParse(text)) return undefined;
  const { protocol, host } = new URL(text);
  return `${protocol}//${host.replace(/\.(?=(:\d+)?$)/, '')}`;
}

/** Returns the origin of the same scheme at a host, which may have a port; `undefined` where the scheme has no hosts. */
export function originAt(origin: string, host: string): string | undefined {
  const scheme = WEB.exec(origin)?.[0];
  return scheme === undefined ? undefined : toOrigin(scheme + host);
}

/** Returns the name of a host in one spelling, without its port; an empty string where it is malformed. */
export function hostName(host: string): string {
  const origin = toOrigin(`http://${host}`);
  return origin === undefined ? '' : new URL(origin).hostname;
}

/** Returns whether a text is a host name or an address, without a port. */
export function isHostName(text: string): boolean {
  return HOST.test(text) && hostName(text) !== '';
}

/** Returns whether exactly one DNS label stands between prefix and suffix. */
function matchesOneLabel(origin: string, prefix: string, suffix: string): boolean {
  if (!origin.startsWith(prefix) || !origin.endsWith(suffix)) return false;
  const label = origin.slice(prefix.length, -suffix.length);
  return label !== '' && !label.includes('.');
}
