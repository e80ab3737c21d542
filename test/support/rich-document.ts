/** A document with every form of a schema that a type is made of, of which a server's own DTOs need only some. */
export const RICH_DOCUMENT = {
  asyncapi: '3.0.0',
  info: { title: 'Switchboard', version: '1' },
  channels: {
    wss: {
      messages: {
        'shape-of': { $ref: '#/components/messages/shape~1of' },
        'shape-of.answer': { $ref: '#/components/messages/shape-of.answer' },
        steps: { $ref: '#/components/messages/steps' },
        'steps.answer': { $ref: '#/components/messages/steps.answer' },
        own: { $ref: '#/components/messages/own' },
        'sys.ack': { $ref: '#/components/messages/sys.ack' },
      },
    },
  },
  operations: {
    'receive.steps': {
      action: 'receive',
      messages: [{ $ref: '#/channels/wss/messages/steps' }],
      reply: {
        messages: [{ $ref: '#/channels/wss/messages/steps.answer' }, { $ref: '#/channels/wss/messages/sys.ack' }],
      },
    },
    'receive.shape-of': {
      action: 'receive',
      messages: [{ $ref: '#/channels/wss/messages/shape-of' }],
      reply: { messages: [{ $ref: '#/channels/wss/messages/shape-of.answer' }] },
    },
    send: { action: 'send', messages: [{ $ref: '#/channels/wss/messages/own' }] },
  },
  components: {
    messages: {
      'shape/of': message('shape:of', 'handler', { $ref: '#/components/schemas/Messages' }, 'A shape.\nOn two lines.'),
      'shape-of.answer': message('shape:of', 'handler', { $ref: '#/components/schemas/Choice' }),
      steps: message('steps', 'handler', {}),
      'steps.answer': { ...message('steps', 'handler', { $ref: '#/components/schemas/7 lives' }), 'x-stream': true },
      own: message('own', 'application', { type: 'array', items: { $ref: '#/components/schemas/Messages' } }),
      'sys.ack': message('sys.ack', 'server', { type: 'object' }),
    },
    schemas: {
      Messages: {
        type: 'object',
        description: 'Ends no comment: */ process.exit(1) /*',
        required: ['plain', 'with space', "it's", 'constant'],
        additionalProperties: false,
        properties: {
          plain: { type: 'string', minLength: 2, 'x-rules': ['is plain'] },
          'with space': { type: 'integer', minimum: 1 },
          "it's": { type: 'boolean', description: 'Needs quotes.' },
          'say "it"': { enum: ['say "it"', "it's", 'both \' and "', 'back\\slash', 'line\nbreak'] },
          constant: { const: 'only this' },
          nothing: { type: 'null' },
          when: { type: 'string', format: 'date-time' },
          mixed: { enum: ['a', 1, -2.5, 1e21, true, null] },
          nullable: { type: ['string', 'null'] },
          either: { anyOf: [{ type: 'string' }, { type: 'number' }, { type: 'string' }] },
          one: { oneOf: [{ $ref: '#/components/schemas/Record' }, { const: null }] },
          anything: { not: { const: 1 } },
          anythingElse: { anyOf: [{ type: 'string' }, {}] },
          bounded: { type: 'string', allOf: [{ minLength: 2 }, { maxLength: 3 }] },
          both: { allOf: [{ $ref: '#/components/schemas/Record' }, { $ref: '#/components/schemas/Order-2' }] },
          described: { description: 'A wrapped reference.', allOf: [{ $ref: '#/components/schemas/Record' }] },
          open: { type: 'object' },
          empty: { type: 'object', additionalProperties: false },
          global: { $ref: '#/components/schemas/globalThis' },
          numbers: { type: 'object', additionalProperties: { type: 'number' } },
          more: { type: 'object', properties: { known: { type: 'string' } }, additionalProperties: true },
          list: { type: 'array' },
          matrix: { type: 'array', items: { type: 'array', items: { type: 'integer' } } },
          letters: { type: 'array', items: { enum: ['a', 'b'] } },
          inner: { type: 'array', items: { type: 'object', properties: { x: { type: 'number' } }, required: ['x'] } },
          weekday: { enum: ['monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday', 'sunday'] },
          weekdays: {
            type: 'array',
            items: { enum: ['monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday', 'sunday'] },
          },
          exactlyFitting: { enum: ['a'.repeat(25), 'b'.repeat(28)] },
          oneTooLong____: { enum: ['a'.repeat(25), 'b'.repeat(29)] },
          onTheNextLine: { enum: ['a'.repeat(25), 'b'.repeat(43)] },
          tooLongForNext: { enum: ['a'.repeat(25), 'b'.repeat(44)] },
          listOfLongOnes: { type: 'array', items: { enum: ['a'.repeat(25), 'b'.repeat(44)] } },
          lost: { $ref: '#/components/schemas/Lost' },
          never: false,
          always: true,
        },
      },
      Record: {
        type: 'object',
        required: ['parent'],
        properties: { parent: { $ref: '#/components/schemas/Record' }, order: { $ref: '#/components/schemas/Order' } },
      },
      Order: { type: 'object', properties: { record: { $ref: '#/components/schemas/Record' } } },
      'Order-2': { type: 'object', properties: { __proto: { type: 'string' }, class: { type: 'string' } } },
      Choice: { enum: ['monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday', 'sunday'] },
      '7 lives': { enum: [7] },
      globalThis: { type: 'object', properties: {}, additionalProperties: false },
      Unused: { type: 'object', properties: {} },
    },
  },
};

function message(type: string, tag: string, data: object, summary = `Has the type ${type}.`): object {
  const properties = { type: { const: type }, data };
  return { name: type, summary, tags: [{ name: tag }], payload: { type: 'object', properties } };
}
