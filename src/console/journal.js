const MOST = 1000;
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

  constructor(link) {
    super();
    link.addEventListener('frame', ({ detail }) => this.#add(detail));
    link.addEventListener('closed', ({ detail }) => this.#append({ kind: 'close', at: new Date(), ...detail }));
    link.addEventListener('state', ({ detail }) => detail === 'open' && this.#asked.clear());
  }

  clear() {
    this.entries = [];
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

  #append(entry) {
    entry.number = ++this.#count;
    this.entries.push(entry);
    if (this.entries.length > MOST) {
      const [old] = this.entries.splice(0, 1);
      if (this.#asked.get(old.envelope?.id) === old) this.#asked.delete(old.envelope.id);
    }
    this.dispatchEvent(new CustomEvent('entry', { detail: entry }));
  }
}
