import { node20 } from '../paths.js';
import { named, nodeServer, peer, switchboard } from '../servers.js';
import { cost, fan, processorTime, quietArrivals, rate } from './scenario.js';

/** The same servers as in other scenarios, whose programs have rooms. @type {import('../servers.js').Server[]} */
const roomServers = [
  switchboard(),
  withRooms('plain-ws'),
  withRooms('socketio', { load: ['--mode', 'sio', '--path', '/wss/?EIO=4&transport=websocket'] }),
  withRooms('uws', { node: node20 }),
];

function withRooms(name, program) {
  const [{ title }] = named(name);
  return nodeServer({ name, title, script: peer(`rooms/${name}.js`), ...program });
}

/** Messages to the members of rooms, and joins. @type {import('./scenario.js').Scenario[]} */
export const rooms = [
  {
    ...rate,
    name: 'room',
    title: 'as fan, in one room of all',
    unit: 'deliveries/s',
    servers: roomServers,
    load: [...fan, '--join', '--room', '#bench'],
    also: processorTime('room'),
  },
  {
    ...rate,
    name: 'rooms',
    title: '1,000 rooms of 10, whose members speak in turn; 200 sessions are in ten rooms each',
    unit: 'deliveries/s',
    servers: roomServers,
    // The other 2,000 sessions are in four rooms each: 200 × 10 + 2,000 × 4 = 1,000 × 10.
    load: [
      '--scenario',
      'rooms',
      '--conns',
      '2200',
      '--rooms',
      '1000',
      '--members',
      '10',
      '--busy',
      '200',
      '--size',
      '100',
    ],
    targets: { 'plain-ws': 3, socketio: 3 },
    also: processorTime('rooms'),
  },
  {
    ...cost,
    name: 'join',
    title: 'joins into rooms of 100, each with a list of the members, and a notice to each: processor time of a join',
    servers: roomServers,
    load: ['--scenario', 'join', '--conns', '1000', '--rooms', '100', '--members', '100', '--window', '64'],
    also: {
      name: 'joinrate',
      title: 'as join: joins a second',
      unit: 'joins/s',
      lowerIsBetter: false,
      result: 'rate',
      targets: {},
    },
  },
].map((scenario) => ({ ...scenario, env: quietArrivals }));
