import fc from 'fast-check'
import { expect, test } from 'vitest'
import { redact } from '../../src/shared/secret.ts'

const plain = 'canary-7hT2pQ9x'
const awkward = 'pä"ss\\wörd/+ &?='

const writings: Record<string, (text: string) => string> = {
  'as it is': (text) => text,
  'as JSON': (text) => JSON.stringify(text).slice(1, -1),
  'as JSON within JSON': (text) => JSON.stringify(JSON.stringify(text)).slice(3, -3),
  'in a query': encodeURIComponent,
  'in a form': (text) => new URLSearchParams({ k: text }).toString().slice(2),
  'in a URL': encodeURI,
  'in hex': (text) => Buffer.from(text).toString('hex'),
  'in base64': (text) => Buffer.from(text).toString('base64'),
  'in base64 behind one byte': (text) => Buffer.from(`u${text}`).toString('base64'),
  'in base64 behind two bytes and before others': (text) => Buffer.from(`u:${text}, and so on`).toString('base64'),
  'in base64url': (text) => Buffer.from(`user:${text}`).toString('base64url'),
}

test.each(
  Object.entries(writings).flatMap(([how, write]) => [plain, awkward].map((secret) => [how, write, secret] as const)),
)('a secret is covered %s', (_how, write, secret) => {
  const covered = redact(`before ${write(secret)} after`, [secret])
  expect(covered).toMatch(/^before .*‹secret›.* after$/)
  for (const read of Object.values(writings)) expect(covered).not.toContain(read(secret))
})

test('of a secret that begins with another nothing remains', () => {
  expect(redact('abcdefghij abcdef', ['abcdef', 'abcdefghij'])).toBe('‹secret› ‹secret›')
})

test('of a secret of several lines each line is covered', () => {
  const key = '-----BEGIN KEY-----\nMIIEvQIBADANBg\r\nkqhkiG9w0BAQEF\n-----END KEY-----'
  expect(redact('read MIIEvQIBADANBg', [key])).toBe('read ‹secret›')
  expect(redact('read kqhkiG9w0BAQEF', [key])).toBe('read ‹secret›')
})

test('what is shorter than six characters stays: it is part of too many words', () => {
  expect(redact('a token', ['token'])).toBe('a token')
})

test('whatever the secret and what stands around it, its value does not remain', () => {
  const secret = fc.string({ minLength: 6, unit: 'grapheme' })
  fc.assert(
    fc.property(secret, fc.string(), fc.string(), (value, before, after) => {
      fc.pre(!'‹secret›'.includes(value))
      expect(redact(`${before}${value}${after}`, [value])).not.toContain(value)
    }),
  )
})
