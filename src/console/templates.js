/** What the composer can be filled with. A receiver of `undefined` leaves the one that stands there. */
export const TEMPLATES = [
  { name: 'Chat', type: 'chat', data: '{ "text": "Hello" }' },
  { name: 'Call offer', type: 'offer', data: '{\n  "sdp": "v=0",\n  "video": true\n}' },
  { name: 'News for everyone', type: 'news', receiver: '*', data: '{ "headline": "It works" }' },
  { name: 'Ping the server', type: 'sys.ping', receiver: '', data: '{ "n": 1 }' },
  { name: 'Who is here', type: 'sys.who', receiver: '', data: '{ "limit": 10 }' },
  { name: 'Call a handler', type: 'demo.sum', receiver: '', data: '{ "numbers": [1, 2, 3.5] }' },
  { name: 'Error: nobody there', type: 'chat', receiver: 'nobody.there', data: '{ "text": "Hello?" }' },
  { name: 'Error: no handler', type: 'no.such.word', receiver: '', data: '' },
];
