import { figure, ratioText } from './samples.js';

/**
 * Formats the targets of a scenario and whether Switchboard meets them. Servers that were not measured are left out.
 *
 * @param {import('./samples.js').PairedSamples} samples
 * @param {string} version of Node
 */
export function targetRows(samples, version) {
  const { name, unit, most, mostMore = {}, targets, servers } = samples.scenario;
  const rows = servers.flatMap((server) => {
    const least = leastFor(targets[server.name], version);
    const ratio = samples.ratio('switchboard', server.name);
    if (least === undefined || samples.unavailable.has(server.name)) return [];
    if (ratio === undefined) return [[name, server.title, 'failed', `${least} ×`, '']];
    return [[name, server.title, ratioText(ratio), `${least} ×`, verdict(ratio.median >= least)]];
  });
  for (const { name: peer, title } of servers.filter((server) => mostMore[server.name] !== undefined)) {
    const excess = samples.excess('switchboard', peer);
    const target = `at most ${mostMore[peer]} ${unit} more`;
    if (excess === undefined) rows.push([name, title, 'failed', target, '']);
    else rows.push([name, title, excessText(excess, unit), target, verdict(excess.median <= mostMore[peer])]);
  }
  const own = samples.values('switchboard');
  if (most && own) {
    const result = `${figure(own.median)} ${unit}`;
    rows.push([name, 'itself', result, `at most ${most} ${unit}`, verdict(own.median <= most)]);
  }
  return rows;
}

/** A target is one ratio, or one for each major version of Node. */
function leastFor(target, version) {
  return typeof target === 'object' ? target[Number.parseInt(version.slice(1), 10)] : target;
}

/** "0.31 kB more (0.28–0.33)" */
function excessText({ median, min, max }, unit) {
  return `${figure(median)} ${unit} more (${figure(min)}–${figure(max)})`;
}

function verdict(met) {
  return met ? 'met' : '**missed**';
}
