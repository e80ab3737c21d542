const MOST = 1000;
/** Of the console's own, which nobody wrote: they must not push out what somebody did. */
const MOST_OWN = 100;
const OWN_REF = /^console-(ping|who)-\d+$/;

/**
 * The last frames of one session, out and in, each answer joined to the message it answers. Tells `entry` for a new one
 * and `answered` for an old one.
 */
export class Journal extends EventTarget {
  entries = [];
  /** Messages out that bear an id, by it. */
  #asked = new Map();
  #count = 0;
  #own = 0;

  constructor(link) {
    super();
    link.addEventListener('frame', ({ detail }) => this.#add(detail));
    link.addEventListener('closed', ({ detail }) => this.#append({ kind: 'close', at: new Date(), ...detail }));
    link.addEventListener('state', ({ detail }) => detail === 'open' && this.#asked.clear());
  }

  clear() {
    this.entries = [];
    this.#own = 0;
  }

  #add({ text, out, envelope = JSON.parse(text) }) {
    const entry = { kind: out ? 'out' : 'in', at: new Date(), ms: performance.now(), text, envelope };
    entry.own = OWN_REF.test(out ? envelope.id : envelope.ref);
    if (out && envelope.id !== undefined) this.#asked.set(envelope.id, entry);
    const question = out ? undefined : this.#asked.get(envelope.ref);
    if (question !== undefined) this.#join(question, entry);
    this.#append(entry);
  }

  #join(question, answer) {
    answer.tookMs = answer.ms - question.ms;
    answer.question = question;
    question.answer = answer;
    question.tookMs = answer.tookMs;
    if (!answer.own) this.dispatchEvent(new CustomEvent('answered', { detail: question }));
    else this.#asked.delete(answer.envelope.ref);
  }

  #forget(at) {
    const [old] = this.entries.splice(at, 1);
    if (old.own) this.#own -= 1;
    if (old.kind === 'out' && this.#asked.get(old.envelope.id) === old) this.#asked.delete(old.envelope.id);
  }

  #append(entry) {
    entry.number = ++this.#count;
    this.entries.push(entry);
    if (entry.own) this.#own += 1;
    if (this.#own > MOST_OWN) this.#forget(this.entries.findIndex(({ own }) => own));
    if (this.entries.length > MOST) this.#forget(0);
    this.dispatchEvent(new CustomEvent('entry', { detail: entry }));
  }
}
