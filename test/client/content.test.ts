import { expect, test } from 'vitest'
import { promptText, resultText } from '../../src/client/content.ts'

test.each([
  ['text as it is', { content: [{ type: 'text', text: 'hello' }] }, 'hello\n'],
  ['JSON text spread out', { content: [{ type: 'text', text: '{"a":1}' }] }, '{\n  "a": 1\n}\n'],
  ['text that only begins like JSON', { content: [{ type: 'text', text: '{nope' }] }, '{nope\n'],
  [
    'a note for an image',
    { content: [{ type: 'image', mimeType: 'image/png', data: 'AAAA' }] },
    '(image image/png, 3 bytes)\n',
  ],
  ['a link', { content: [{ type: 'resource_link', uri: 'file:///a' }] }, '(link file:///a)\n'],
  ['an embedded resource', { content: [{ type: 'resource', resource: { uri: 'a:b', text: 'in it' } }] }, 'in it\n'],
  [
    'structured content once',
    { content: [{ type: 'text', text: '{"a":1}' }], structuredContent: { a: 1 } },
    '{\n  "a": 1\n}\n',
  ],
  ['structured content alone', { content: [], structuredContent: { a: 1 } }, '{\n  "a": 1\n}\n'],
  ['an unknown block as JSON', { content: [{ type: 'new' }] }, '{\n  "type": "new"\n}\n'],
  ['nothing', {}, ''],
])('a result shows %s', (_title, result, text) => expect(resultText(result)).toBe(text))

test('a prompt shows each message under its role', () => {
  const messages = [{ role: 'user', content: { type: 'text', text: 'hi' } }]
  expect(promptText({ messages })).toBe('user: hi\n')
})
