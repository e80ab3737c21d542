/** Plain WebSocket code of a web page, injected into every tab of the tests. */
const inbox = [];
const waiting = [];
let socket;
let closed;

const fits = (envelope, type, sender) => envelope.type === type && (sender === undefined || envelope.sender === sender);

function receive(envelope) {
  const index = waiting.findIndex(({ type, sender }) => fits(envelope, type, sender));
  if (index === -1) inbox.push(envelope);
  else waiting.splice(index, 1)[0].resolve(envelope);
}

globalThis.switchboard = {
  /** Resolves to whether the connection opened. */
  connect: (url) =>
    new Promise((resolve) => {
      socket = new WebSocket(url);
      socket.addEventListener('open', () => resolve(true));
      socket.addEventListener('message', ({ data }) => receive(JSON.parse(data)));
      closed = new Promise((end) => {
        socket.addEventListener('close', ({ code, reason, wasClean }) => {
          resolve(false);
          end({ code, reason, wasClean });
        });
      });
    }),
  send: (envelope) => socket.send(JSON.stringify(envelope)),
  /** Takes the next envelope of a type (and sender); other envelopes stay. */
  next: (type, sender) => {
    const index = inbox.findIndex((envelope) => fits(envelope, type, sender));
    if (index !== -1) return inbox.splice(index, 1)[0];
    return new Promise((resolve) => {
      waiting.push({ type, sender, resolve });
    });
  },
  closed: () => closed,
};
