import { register } from 'node:module';

/**
 * Preloaded (`node --import`) into a server, takes out of its code what counts messages; nothing else differs from the
 * server as it is. Lines that are not where they are looked for end the start, or the comparison would be of equals. With
 * `?none` nothing is taken out: so the servers it is compared with are loaded the same way.
 */
const LINES = {
  'messaging/fast-router.js': ['this.counters.fastRouted++;', 'this.counters.fastBroadcasts++;'],
  'messaging/message-router.js': ['this.counters.broadcasts++;', 'this.counters.fannedOutTo(sent, skipped);'],
  'gateway/dispatch/message-dispatcher.js': ['this.replies.counters.received++;'],
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
    if (source.split(line).length !== 2) throw new Error(file + ' does not say once: ' + line);
    source = source.replace(line, '');
  }
  return { ...loaded, source };
}`;

register(`data:text/javascript,${encodeURIComponent(hooks)}`);
