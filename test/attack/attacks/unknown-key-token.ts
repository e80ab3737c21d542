/** Writes a token that names a key of this id, of about so many bytes; its signature is not one. */
export function unknownKeyToken(kid: string, bytes = 200): string {
  const header = part({ alg: 'RS256', kid });
  const claims = part({ sub: 'ann', exp: 9_999_999_999, filler: 'x'.repeat((bytes * 3) / 4) });
  return `${header}.${claims}.${part('signature')}`;
}

function part(content: unknown): string {
  return Buffer.from(JSON.stringify(content)).toString('base64url');
}
