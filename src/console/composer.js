import { check } from './check.js';
import { explainError } from './explain.js';
import { TEMPLATES } from './templates.js';

const FIELDS = ['type', 'receiver', 'data', 'ref'];

/** Where a message is written: judged while it is typed, sent when it is sound, and told what became of it. */
export class Composer {
  #draft;

  constructor(link, journal, parts, other) {
    this.link = link;
    this.parts = parts;
    this.other = other;
    this.#offerTemplates();
    for (const field of FIELDS) parts[field].addEventListener('input', () => this.judge());
    parts.composer.addEventListener('submit', (event) => this.#submit(event));
    parts.composer.addEventListener('keydown', (event) => {
      if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) this.#submit(event);
    });
    const receivers = { toOther: other, everyone: () => '*', myself: () => link.id, server: () => '' };
    for (const [part, id] of Object.entries(receivers))
      parts[part].addEventListener('click', () => this.address(id() ?? ''));
    link.addEventListener('state', () => this.judge());
    journal.addEventListener('answered', ({ detail }) => this.#answered(detail));
    this.#fill(TEMPLATES[0]);
    parts.ref.value = 'm1';
    this.judge();
  }

  /** Puts an id into the receiver. */
  address(id) {
    this.parts.receiver.value = id;
    this.judge();
  }

  /** Judges what stands there now. */
  judge() {
    const { type, receiver, data, ref, send } = this.parts;
    const draft = { type: type.value, receiver: receiver.value, data: data.value, id: ref.value };
    const { link } = this;
    this.#draft = check(draft, link.tables, link.welcome?.data.maxMessageBytes);
    for (const field of FIELDS) {
      const fault = this.#draft.faults[field === 'ref' ? 'id' : field];
      if (fault) this.parts[field].setAttribute('aria-invalid', 'true');
      else this.parts[field].removeAttribute('aria-invalid');
    }
    send.disabled = link.state !== 'open' || this.#draft.first !== undefined;
    if (this.#draft.first) this.#say(this.#draft.first, 'bad');
    else if (link.state !== 'open') this.#say('Not connected.');
    else this.#say('');
    this.parts.size.textContent = `${this.#draft.size.toLocaleString('en')} B`;
  }

  #submit(event) {
    event.preventDefault();
    if (this.parts.send.disabled) return;
    this.link.send(this.#draft.text);
    const id = this.parts.ref.value;
    this.parts.ref.value = id.replace(/\d+$/, (digits) => String(Number(digits) + 1));
    this.#say(id ? 'Sent.' : 'Sent. Without an id only an error is answered.');
  }

  #answered({ answer: { envelope }, tookMs }) {
    if (envelope.type !== 'sys.error')
      return this.#say(`Answered by ${envelope.type} in ${tookMs.toFixed(1)} ms.`, 'good');
    const { title, words, todo } = explainError(envelope.data, this.link.tables);
    return this.#say(`${title}: ${words} ${todo}`, 'bad');
  }

  #offerTemplates() {
    const { template } = this.parts;
    template.append(new Option('Template…', ''), ...TEMPLATES.map(({ name }, at) => new Option(name, String(at))));
    template.addEventListener('change', () => {
      if (template.value !== '') this.#fill(TEMPLATES[Number(template.value)]);
      template.value = '';
      this.judge();
    });
  }

  #fill({ type, receiver, data }) {
    this.parts.type.value = type;
    this.parts.data.value = data;
    if (receiver !== undefined) this.parts.receiver.value = receiver;
  }

  #say(words, mood = '') {
    this.parts.verdict.textContent = words;
    this.parts.verdict.dataset.mood = mood;
  }
}
