import { figure, ratioText } from './samples.js';

/**
 * Formats the targets of a scenario and whether Switchboard meets them. Servers that were not measured are left out.
 *
 * @param {import('./samples.js').PairedSamples} samples
 * @param {string} version of Node
 */
export function targetRows(samples, version) {
  const { name, unit, most, targets, servers } = samples.scenario;
  const rows = servers.flatMap((server) => {
    const least = leastFor(targets[server.name], version);
    const ratio = samples.ratio('switchboard', server.name);
    if (least === undefined || samples.unavailable.has(server.name)) return [];
    if (ratio === undefined) return [[name, server.title, 'failed', `${least} ×`, '']];
    return [[name, server.title, ratioText(ratio), `${least} ×`, verdict(ratio.median >= least)]];
  });
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

function verdict(met) {
  return met ? 'met' : '**missed**';
}
