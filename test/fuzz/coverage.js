import { Session } from 'node:inspector';

/**
 * Block coverage of some modules of this process, by V8's precise coverage. One call of {@link take} costs milliseconds,
 * because V8 walks over all functions: the engine takes coverage once for many inputs.
 */
export class Coverage {
  #session = new Session();
  /** For each script, one byte for each character: 1 where an input has run it. @type {Map<string, Uint8Array>} */
  #covered = new Map();
  /** @type {readonly string[]} */
  #modules;
  /** Characters that some input has run. */
  characters = 0;

  /** @param {readonly string[]} modules parts of the addresses of the modules that count */
  constructor(modules) {
    this.#modules = modules;
    this.#session.connect();
    this.#post('Profiler.enable');
    this.#post('Profiler.startPreciseCoverage', { callCount: true, detailed: true });
  }

  /** Returns how many characters ran for the first time since the last call, and counts them from now on. */
  take() {
    const before = this.characters;
    for (const { url, functions } of this.#scripts()) {
      for (const { ranges } of functions) if (ranges[0].count > 0) this.#paint(url, ranges);
    }
    return this.characters - before;
  }

  /** Returns whether anything ran for the first time since the last call; nothing is counted. */
  isNew() {
    return this.#scripts().some(({ url, functions }) =>
      functions.some(({ ranges }) => ranges[0].count > 0 && this.#hasNew(url, ranges)),
    );
  }

  /** Forgets which characters ran. */
  clear() {
    this.#scripts();
    this.#covered.clear();
    this.characters = 0;
  }

  #scripts() {
    const { result } = this.#post('Profiler.takePreciseCoverage');
    return result.filter(({ url }) => this.#modules.some((module) => url.includes(module)));
  }

  #paint(url, ranges) {
    const painted = this.#painted(url, ranges[0].endOffset);
    for (const at of ranOffsets(ranges)) {
      if (painted[at] === 1) continue;
      painted[at] = 1;
      this.characters++;
    }
  }

  #hasNew(url, ranges) {
    const painted = this.#painted(url, ranges[0].endOffset);
    for (const at of ranOffsets(ranges)) if (painted[at] === 0) return true;
    return false;
  }

  #painted(url, length) {
    const known = this.#covered.get(url) ?? new Uint8Array(0);
    if (known.length >= length) return known;
    const larger = new Uint8Array(length * 2);
    larger.set(known);
    this.#covered.set(url, larger);
    return larger;
  }

  #post(method, parameters) {
    let answer;
    this.#session.post(method, parameters, (error, result) => {
      if (error) throw error;
      answer = result;
    });
    return answer;
  }
}

/** Yields the offsets that ran. Ranges are nested, the outer one first; an inner range overrides the outer one. */
function* ranOffsets(ranges) {
  const [{ startOffset, endOffset }] = ranges;
  const ran = new Uint8Array(endOffset - startOffset);
  for (const range of ranges)
    ran.fill(range.count > 0 ? 1 : 0, range.startOffset - startOffset, range.endOffset - startOffset);
  for (let index = 0; index < ran.length; index++) if (ran[index] === 1) yield startOffset + index;
}
