import { register } from 'node:module';

/**
 * Removes the lines that count messages from a server that preloads this file (`node --import`). Throws where a line is
 * missing, because the bench would compare two equal servers. With `?none` it removes nothing, so that the servers of the
 * comparison are loaded in the same way.
 */
const LINES = {
  'messaging/fast-router.js': ['this.counters.fastRouted++;', 'this.counters.fastBroadcasts++;'],
  'messaging/local-delivery.js': ['this.counters.fannedOutTo(sent, skipped);'],
  'messaging/broadcaster.js': ['this.counters.broadcasts++;'],
  'gateway/dispatch/message-dispatcher.js': ['this.counters.received++;'],
};

const COUNTING = import.meta.url.endsWith('?none') ? {} : LINES;

const hooks = `
const COUNTING = ${JSON.stringify(COUNTING)};
export async function load(url, context, nextLoad) {
  const loaded = await nextLoad(url, context);
  const file = Object.keys(COUNTING).find((path) => url.endsWith('/dist/' + path));
  if (file === undefined) return loaded;
  let source = String(loaded.source);
  for (const line of COUNTING[file]) {
    if (source.split(line).length !== 2) throw new Error(file + ' does not contain exactly once: ' + line);
    source = source.replace(line, '');
  }
  return { ...loaded, source };
}`;

register(`data:text/javascript,${encodeURIComponent(hooks)}`);
