import { readFileSync } from 'node:fs';
import { request as plainRequest } from 'node:http';
import { request as tlsRequest } from 'node:https';
import { isIP } from 'node:net';
import { text } from 'node:stream/consumers';
import { connect as connectTls } from 'node:tls';
import { WebSocket } from 'ws';

export const HANDSHAKE = {
  Connection: 'Upgrade',
  Upgrade: 'websocket',
  'Sec-WebSocket-Version': '13',
  'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==',
};

/** The deployment under test. Certificate errors never stop a request, because a check of its own reports them. */
export class Deployment {
  /** @param {{ url: string, base: string, ca?: string, token?: string, from?: string, timeoutMs: number }} options */
  constructor({ url, base, ca, token, from, timeoutMs }) {
    this.url = new URL(url);
    this.base = base.replace(/\/$/, '');
    this.secure = this.url.protocol === 'wss:';
    this.timeoutMs = timeoutMs;
    this.authorization = token === undefined ? {} : { Authorization: `Bearer ${token}` };
    this.connectOptions = {
      localAddress: from,
      rejectUnauthorized: false,
      ...(ca !== undefined && { ca: readFileSync(ca) }),
    };
  }

  /** Returns the address of an endpoint below `HTTP_BASE`. @param {string} path such as `/health/ready` */
  endpoint(path) {
    return `${this.origin}${this.base}${path}`;
  }

  get origin() {
    return `${this.secure ? 'https' : 'http'}://${this.url.host}`;
  }

  /** Sends a GET. @param {string} address @param {Record<string, string>} [headers] */
  ask(address, headers = {}) {
    return new Promise((resolve, reject) => {
      const send = address.startsWith('https') ? tlsRequest : plainRequest;
      const options = { agent: false, timeout: this.timeoutMs, ...this.connectOptions, headers };
      const request = send(address, options, (response) => {
        const { statusCode: status } = response;
        text(response).then((body) => resolve({ status, headers: response.headers, body }), reject);
      });
      request.on('upgrade', (response, socket) => {
        socket.destroy();
        resolve({ status: 101, headers: response.headers, body: '' });
      });
      request.on('timeout', () => request.destroy(new Error(`no answer in ${this.timeoutMs / 1000} s`)));
      request.on('error', reject);
      request.end();
    });
  }

  /** Reads the certificate's end, and the error of its verification where there is one. */
  certificate() {
    const { hostname, port } = this.url;
    const host = hostname.replace(/^\[|\]$/g, '');
    return new Promise((resolve, reject) => {
      const name = isIP(host) === 0 ? { servername: host } : {};
      const socket = connectTls({ host, port: Number(port || 443), ...name, ...this.connectOptions }, () => {
        const { valid_to: validTo } = socket.getPeerCertificate();
        resolve({ validToMs: Date.parse(validTo), error: socket.authorizationError?.toString() });
        socket.destroy();
      });
      socket.setTimeout(this.timeoutMs, () => socket.destroy(new Error(`no answer in ${this.timeoutMs / 1000} s`)));
      socket.on('error', reject);
    });
  }

  /**
   * Opens a session and waits for its welcome; returns both addresses of the connection, and the list of later frames.
   *
   * @param {Record<string, string>} [headers] @param {string[]} [protocols]
   */
  open(headers = {}, protocols = []) {
    return new Promise((resolve, reject) => {
      const socket = new WebSocket(this.url, protocols, {
        ...this.connectOptions,
        handshakeTimeout: this.timeoutMs,
        headers: { ...this.authorization, ...headers },
      });
      const timer = setTimeout(() => {
        reject(new Error('no sys.welcome within the time limit'));
        socket.terminate();
      }, this.timeoutMs);
      let addresses = {};
      socket.once(
        'upgrade',
        ({ socket: { localAddress, remoteAddress } }) => (addresses = { localAddress, remoteAddress }),
      );
      socket.on('error', reject);
      socket.once('close', (code) => reject(new Error(`closed with ${code} before sys.welcome`)));
      socket.once('message', (/** @type {Buffer} */ frame) => {
        clearTimeout(timer);
        const frames = [];
        socket.on('message', (/** @type {Buffer} */ later) => frames.push(later.toString()));
        resolve({ socket, addresses, frames, welcome: JSON.parse(frame.toString()) });
      });
    });
  }
}
