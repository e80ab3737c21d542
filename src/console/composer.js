import { explainError } from './explain.js';
import { TEMPLATES } from './templates.js';
import { validate } from './validate.js';

/** Fields of the draft by the name of their element. */
const FIELDS = { type: 'type', receiver: 'receiver', data: 'data', messageId: 'id' };

/** Validates a message while it is typed, sends it, and shows the answer. */
export class Composer {
  #validated;

  /** @param otherId returns the session id of the other pane */
  constructor(connection, frameLog, elements, otherId) {
    this.connection = connection;
    this.elements = elements;
    this.#addTemplates();
    for (const name of Object.keys(FIELDS)) elements[name].addEventListener('input', () => this.validate());
    elements.composer.addEventListener('submit', (event) => this.#submit(event));
    elements.composer.addEventListener('keydown', (event) => {
      if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) this.#submit(event);
    });
    const receivers = { toOther: otherId, toAll: () => '*', toSelf: () => connection.id, toServer: () => '' };
    for (const [name, receiver] of Object.entries(receivers))
      elements[name].addEventListener('click', () => this.setReceiver(receiver() ?? ''));
    connection.addEventListener('state', () => this.validate());
    frameLog.addEventListener('answered', ({ detail }) => this.#showAnswer(detail));
    this.#fill(TEMPLATES[0]);
    elements.messageId.value = 'm1';
    this.validate();
  }

  setReceiver(receiver) {
    this.elements.receiver.value = receiver;
    this.validate();
  }

  /** Validates the draft and marks the fields that have errors. */
  validate() {
    const { connection, elements } = this;
    const draft = {};
    for (const [name, field] of Object.entries(FIELDS)) draft[field] = elements[name].value;
    const validated = validate(draft, connection.tables, connection.welcome?.data.maxMessageBytes);
    const { errors, firstError, sizeBytes } = validated;
    this.#validated = validated;
    for (const [name, field] of Object.entries(FIELDS))
      if (errors[field]) elements[name].setAttribute('aria-invalid', 'true');
      else elements[name].removeAttribute('aria-invalid');
    elements.send.disabled = connection.state !== 'open' || firstError !== undefined;
    if (firstError) this.#showResult(firstError, 'error');
    else this.#showResult(connection.state === 'open' ? '' : 'Not connected.');
    elements.size.textContent = `${sizeBytes.toLocaleString('en')} B`;
  }

  #submit(event) {
    event.preventDefault();
    if (this.elements.send.disabled) return;
    this.connection.send(this.#validated.text);
    const { messageId } = this.elements;
    const hasId = messageId.value !== '';
    messageId.value = messageId.value.replace(/\d+$/, (digits) => String(Number(digits) + 1));
    this.#showResult(hasId ? 'Sent.' : 'Sent. Without an id the server answers only errors.');
  }

  #showAnswer({ answer: { envelope }, tookMs }) {
    if (envelope.type !== 'sys.error')
      return this.#showResult(`Answered by ${envelope.type} in ${tookMs.toFixed(1)} ms.`, 'success');
    const { title, explanation, advice } = explainError(envelope.data, this.connection.tables);
    return this.#showResult(`${title}: ${explanation} ${advice}`, 'error');
  }

  #addTemplates() {
    const { template } = this.elements;
    template.append(
      new Option('Template…', ''),
      ...TEMPLATES.map(({ name }, index) => new Option(name, String(index))),
    );
    template.addEventListener('change', () => {
      if (template.value !== '') this.#fill(TEMPLATES[Number(template.value)]);
      template.value = '';
      this.validate();
    });
  }

  #fill({ type, receiver, data }) {
    this.elements.type.value = type;
    this.elements.data.value = data;
    if (receiver !== undefined) this.elements.receiver.value = receiver;
  }

  #showResult(text, kind = '') {
    this.elements.result.textContent = text;
    this.elements.result.dataset.kind = kind;
  }
}
