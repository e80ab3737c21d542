/** Plain WebSocket code of a web page; the tests inject it into every document. */
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
  /** Takes the next envelope of a type, and of a sender if given; other envelopes stay in the inbox. */
  next: (type, sender) => {
    const index = inbox.findIndex((envelope) => fits(envelope, type, sender));
    if (index !== -1) return inbox.splice(index, 1)[0];
    return new Promise((resolve) => {
      waiting.push({ type, sender, resolve });
    });
  },
  closed: () => closed,
};
