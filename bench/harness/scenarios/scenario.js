/**
 * @typedef {object} Scenario
 * @property {string} name as in `--only`
 * @property {string} title
 * @property {string} unit
 * @property {boolean} lowerIsBetter
 * @property {import('../servers.js').Server[]} servers
 * @property {string[]} load flags of the generator
 * @property {string} result the measured field of the generator's output; the sum of its parts, if it has parts
 * @property {Record<string, number | Record<string, number>>} targets the least ratio against a server, or one for each
 *   major version of Node; above 1 means better
 * @property {number} [most] the largest accepted result of Switchboard
 * @property {Record<string, number>} [mostMore] how much more than a server Switchboard may need, in the scenario's unit
 * @property {number} [warm] seconds before the measurement, if over a second
 * @property {number} [least] the least measured seconds
 * @property {number} [rounds] the most rounds, where the results hardly differ and take long
 * @property {('tls' | 'nginx')[]} [needs] what the machine must have
 * @property {Record<string, string>} [env] of every server
 * @property {Partial<Scenario>} [also] a second field of the same output, with a name of its own
 */

export const rate = { unit: 'messages/s', lowerIsBetter: false, result: 'rate', targets: {} };
export const cost = { unit: 'µs', lowerIsBetter: true, result: 'cpu_us', targets: {} };
/** The processor time beside a rate, because the generator limits the rate of the fastest servers. */
export const processorTime = (name, targets = {}) => ({
  ...cost,
  name: `${name}cpu`,
  title: `as ${name}: processor time for each message`,
  targets,
});
export const pairs = ['--scenario', 'pingpong', '--pairs', '100'];
export const fan = ['--scenario', 'fanout', '--conns', '1000', '--window', '1', '--size', '100'];
/** The peers send no arrival notices, and the cost of arrival notices is the square of the number of connections. */
export const quietArrivals = { ARRIVAL_NOTICES: 'off' };

/** The p99 needs the compiler of V8 to be done, which works on the core of the server, and thousands of messages. */
export const steady = { warm: 8, least: 6 };

/** One message in flight in all. The rate is below what any server can do. */
export const lone = {
  ...steady,
  unit: 'µs',
  lowerIsBetter: true,
  result: 'p50_us',
  load: ['--scenario', 'open', '--pairs', '1', '--rate', '3000', '--size', '100'],
  targets: {},
};

/** Measured after every session has answered two heartbeats, so that memory kept by heartbeats counts. */
export const idle = (sessions) => ({
  title: `memory of one of ${sessions.toLocaleString('en')} idle sessions`,
  unit: 'kB',
  lowerIsBetter: true,
  result: 'kb_per_conn',
  load: ['--scenario', 'idle', '--conns', `${sessions}`, '--hold', '5'],
  env: { ...quietArrivals, HEARTBEAT_MS: '2000' },
  rounds: 2,
  targets: {},
});
