import { randomBytes } from 'node:crypto'
import fc from 'fast-check'
import { EncryptJWT, jwtDecrypt } from 'jose'
import { expect, test } from 'vitest'
import { seal, unseal } from '../../src/shared/sealed.ts'

const key = randomBytes(32)
const header = { alg: 'dir', enc: 'A256GCM' }
const anything = fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 2 }))

test('what a JOSE library sealed opens', async () => {
  await fc.assert(
    fc.asyncProperty(anything, async (claims) => {
      const token = await new EncryptJWT({ claims }).setProtectedHeader(header).encrypt(key)
      expect(JSON.stringify(unseal(token, key))).toBe(JSON.stringify({ claims }))
    }),
    { numRuns: 50 },
  )
})

test('what is sealed a JOSE library opens', async () => {
  await fc.assert(
    fc.asyncProperty(anything, async (claims) => {
      const { payload, protectedHeader } = await jwtDecrypt(seal({ claims }, key), key)
      expect(JSON.stringify(payload)).toBe(JSON.stringify({ claims }))
      expect(protectedHeader).toEqual(header)
    }),
    { numRuns: 50 },
  )
})

test('one character less, more or another one anywhere, and nothing opens', () => {
  const token = seal({ a: 1 }, key)
  for (let at = 0; at <= token.length; at++) {
    for (const other of ['A', 'B', '-', '.', '=']) {
      const changed = [token.slice(0, at) + token.slice(at + 1), token.slice(0, at) + other + token.slice(at + 1)]
      for (const bad of [...changed, token.slice(0, at) + other + token.slice(at)])
        if (bad !== token) expect(unseal(bad, key), bad).toBeUndefined()
    }
  }
})

test('another key opens nothing, and the same claims are never the same text', () => {
  expect(unseal(seal({}, key), randomBytes(32))).toBeUndefined()
  expect(seal({}, key)).not.toBe(seal({}, key))
})

test('other algorithms are not taken, whoever has the key', async () => {
  const zipped = { ...header, cty: 'JWT' }
  expect(unseal(await new EncryptJWT({}).setProtectedHeader(zipped).encrypt(key), key)).toBeUndefined()
})

test('a key must have 32 bytes', () => {
  expect(() => seal({}, randomBytes(16))).toThrow(RangeError)
})
