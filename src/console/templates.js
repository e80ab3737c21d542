/** Messages that fill the composer. A template without a receiver keeps the receiver that is entered. */
export const TEMPLATES = [
  { name: 'Chat', type: 'chat', data: '{ "text": "Hello" }' },
  { name: 'Call offer', type: 'offer', data: '{\n  "sdp": "v=0",\n  "video": true\n}' },
  { name: 'Broadcast', type: 'news', receiver: '*', data: '{ "headline": "It works" }' },
  { name: 'Join a room', type: 'sys.join', receiver: '#garden', data: '' },
  { name: 'Room message', type: 'chat', receiver: '#garden', data: '{ "text": "Hello, garden" }' },
  { name: 'Watch a user', type: 'sys.watch', receiver: '@ann', data: '' },
  { name: 'Ping the server', type: 'sys.ping', receiver: '', data: '{ "n": 1 }' },
  { name: 'List sessions', type: 'sys.who', receiver: '', data: '{ "limit": 10 }' },
  { name: 'Call a handler', type: 'demo.sum', receiver: '', data: '{ "numbers": [1, 2, 3.5] }' },
  { name: 'Error: no receiver', type: 'chat', receiver: 'no.such.session', data: '{ "text": "Hello?" }' },
  { name: 'Error: no handler', type: 'no.such.type', receiver: '', data: '' },
];
