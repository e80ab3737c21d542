/**
 * Connects two tabs. The server routes only the signaling messages: an offer, an answer and candidates. The call itself is
 * a data channel between the tabs.
 *
 *   caller ── call.offer ──▶ server ──▶ callee
 *   caller ◀── call.answer ── server ◀── callee
 *   both   ◀── call.candidate, as they are found ──▶
 *   caller ◀═══════ data channel, without the server ════▶ callee
 */
const element = (id) => document.getElementById(id);
// Add servers for calls between networks: { iceServers: [{ urls: 'stun:…' }, { urls: 'turn:…', … }] }.
const NETWORK = { iceServers: [] };
const MAX_EARLY_CANDIDATES = 64;
const MAX_SHOWN = 200;

const socket = new WebSocket(new URL('../wss', import.meta.url.replace('http', 'ws')));
/** The current call; a tab has at most one. */
let call;

socket.addEventListener('message', ({ data }) => void receive(JSON.parse(data)).catch(fail));
socket.addEventListener('close', ({ code }) => show(`the server closed the connection (${code}); reload the page`));

element('dial').addEventListener('submit', (event) => {
  event.preventDefault();
  dial(element('peer').value.trim()).catch(fail);
});
element('hang-up').addEventListener('click', () => {
  if (call === undefined) return;
  say('call.end');
  end('you hung up');
});
element('talk').addEventListener('submit', (event) => {
  event.preventDefault();
  if (call?.channel?.readyState !== 'open') return show('not connected to a peer');
  call.channel.send(element('text').value);
  write(`you: ${element('text').value}`);
  element('text').value = '';
});

async function receive({ type, sender, receiver, ref, data }) {
  if (type === 'sys.welcome') element('own').textContent = receiver;
  else if (type === 'sys.error' && ref !== undefined && ref === call?.id) end(data.message);
  else if (type === 'sys.departed' && sender === call?.peer) end('the peer has left');
  else if (type === 'call.offer') await answer(sender, data);
  else if (data?.call === undefined || data.call !== call?.id || sender !== call.peer) return;
  else if (type === 'call.answer') await describe(data.description);
  else if (type === 'call.candidate') await candidate(data.candidate);
  else if (type === 'call.end') end('the peer hung up');
}

async function dial(peer) {
  if (call !== undefined) return show('you are in a call');
  const { connection, id } = begin(peer, crypto.randomUUID());
  listen(connection.createDataChannel('talk'));
  await connection.setLocalDescription();
  if (call?.id === id) say('call.offer', { description: connection.localDescription }, id);
}

async function answer(peer, data) {
  if (call !== undefined) {
    socket.send(JSON.stringify({ type: 'call.end', receiver: peer, data: { call: data.call } }));
    return;
  }
  const { connection } = begin(peer, data.call);
  connection.addEventListener('datachannel', ({ channel }) => listen(channel));
  await describe(data.description);
  await connection.setLocalDescription();
  say('call.answer', { description: connection.localDescription });
}

/** @param id identifies the call, so that late messages of the previous call are ignored */
function begin(peer, id) {
  const connection = new RTCPeerConnection(NETWORK);
  const begun = { peer, id, connection, early: [], channel: undefined };
  call = begun;
  connection.addEventListener('icecandidate', (event) => {
    if (event.candidate && call === begun) say('call.candidate', { candidate: event.candidate });
  });
  connection.addEventListener('connectionstatechange', () => {
    if (connection.connectionState === 'failed' && call === begun) end('no network path to the peer');
  });
  show(`calling ${peer}`);
  return begun;
}

async function describe(description) {
  const { connection, early } = call;
  await connection.setRemoteDescription(description);
  for (const each of early.splice(0)) await connection.addIceCandidate(each);
}

/** Queues a candidate until the remote description is set, because candidates may arrive first. */
async function candidate(found) {
  const { connection, early } = call;
  if (connection.remoteDescription) await connection.addIceCandidate(found);
  else if (early.length < MAX_EARLY_CANDIDATES) early.push(found);
}

function listen(channel) {
  call.channel = channel;
  channel.addEventListener('open', () => show('connected'));
  channel.addEventListener('message', ({ data }) => write(`peer: ${data}`));
}

function say(type, data = {}, id) {
  socket.send(JSON.stringify({ type, receiver: call.peer, id, data: { ...data, call: call.id } }));
}

function end(why) {
  call?.connection.close();
  call = undefined;
  show(why);
}

function fail(error) {
  end(`call failed: ${error.message}`);
}

function show(state) {
  element('state').textContent = state;
}

function write(line) {
  const shown = document.createElement('div');
  shown.textContent = line;
  element('log').append(shown);
  if (element('log').childElementCount > MAX_SHOWN) element('log').firstElementChild.remove();
}
