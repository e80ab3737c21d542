import { randomInt } from 'node:crypto';
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';

const HEADER_BYTES = 12;
const TYPE_A = 1;
const TTL_SECONDS = 1;

/** The C library asks name servers on this port only. Listening there needs root, or net.ipv4.ip_unprivileged_port_start. */
const PORT = 53;

/**
 * A name server that returns the same IPv4 addresses for every name, as Docker does for the containers of a service. It has
 * an address of its own, so that tests can run at the same time.
 */
export class NameServer {
  addresses: readonly string[] = [];

  /** Questions for IPv4 addresses so far. */
  queries = 0;

  private constructor(private readonly socket: Socket) {
    socket.on('message', (query, { port, address }) => socket.send(this.#answer(query), port, address));
  }

  static async start(...addresses: string[]): Promise<NameServer> {
    const socket = createSocket('udp4');
    socket.bind(PORT, `127.53.${randomInt(256)}.${randomInt(1, 255)}`);
    await once(socket, 'listening');
    const server = new NameServer(socket);
    server.addresses = addresses;
    return server;
  }

  /** The address, as in resolv.conf. */
  get address(): string {
    return this.socket.address().address;
  }

  async stop(): Promise<void> {
    this.socket.close();
    await once(this.socket, 'close');
  }

  /** Encodes a response (RFC 1035, 4): the question, and answers that point to its name. */
  #answer(query: Buffer): Buffer {
    const end = query.indexOf(0, HEADER_BYTES) + 5;
    const question = query.subarray(HEADER_BYTES, end);
    const isTypeA = question.readUInt16BE(question.length - 4) === TYPE_A;
    if (isTypeA) this.queries++;
    const asked = isTypeA ? this.addresses : [];
    const header = Buffer.from(query.subarray(0, HEADER_BYTES));
    header.writeUInt16BE(0x8180, 2); // a response, recursion desired and available
    header.writeUInt16BE(1, 4);
    header.writeUInt16BE(asked.length, 6);
    header.writeUInt32BE(0, 8);
    const records = asked.map((address) => {
      const record = Buffer.from([0xc0, HEADER_BYTES, 0, TYPE_A, 0, 1, 0, 0, 0, TTL_SECONDS, 0, 4, 0, 0, 0, 0]);
      record.set(address.split('.').map(Number), HEADER_BYTES);
      return record;
    });
    return Buffer.concat([header, question, ...records]);
  }
}
