import { decodeBody, decodeHead, type EncodedMessage } from '../../src/cluster/wire/node-codec.js';

/** Decodes a whole message between nodes. */
export function decodeMessage(
  bytes: Uint8Array,
): Pick<EncodedMessage, 'head'> & { readonly message: ReturnType<typeof decodeBody> } {
  const encoded = decodeHead(bytes);
  return { head: encoded.head, message: decodeBody(encoded) };
}
