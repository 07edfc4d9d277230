import { randomBytes } from 'node:crypto'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type SessionFacts, sealerOf } from '../../../src/proxy/downstream/sealer.ts'
import { versions } from '../../../src/proxy/mcp/era.ts'

const key = () => randomBytes(32).toString('base64url')
const facts: SessionFacts = {
  sid: 'a',
  server: undefined,
  version: '2025-11-25',
  capabilities: { sampling: {}, experimental: { x: 1 } },
  clientInfo: { name: 'c', version: '1' },
  group: 'local',
  principal: '',
}

test('what is sealed opens with the same key, in any process, and looks the same', () => {
  const sessionKey = key()
  const open = sealerOf(sessionKey).open
  const record = fc.dictionary(fc.string({ maxLength: 10 }), fc.jsonValue({ maxDepth: 2 }), { maxKeys: 4 })
  const any = fc.record({
    sid: fc.string(),
    server: fc.option(fc.string(), { nil: undefined }),
    version: fc.constantFrom(...versions),
    capabilities: record,
    clientInfo: record,
    group: fc.string(),
    principal: fc.string(),
  })
  fc.assert(
    fc.property(any, (sealed) => {
      fc.pre(JSON.stringify(sealed).length < 2000)
      const opened = open(sealerOf(sessionKey).seal(sealed))
      expect(JSON.stringify(opened)).toBe(JSON.stringify(sealed))
    }),
    { numRuns: 50 },
  )
})

test('an id can stand in a header', () => {
  expect(sealerOf(key()).seal(facts)).toMatch(/^[\x21-\x7e]{1,1000}$/)
})

test('a client with enormous capabilities gets an id that still fits, with the names of what it declared', () => {
  const sealer = sealerOf(key())
  const capabilities = { sampling: {}, experimental: { blob: 'x'.repeat(20_000) } }
  const id = sealer.seal({ ...facts, capabilities })
  expect(id.length).toBeLessThan(8192)
  expect(sealer.open(id)?.capabilities).toEqual({ sampling: {}, experimental: {} })
})

test('D-13: ids of another key, cut, changed, empty or enormous open nothing', () => {
  const sealer = sealerOf(key())
  const id = sealer.seal(facts)
  const flipped = id.slice(0, -2) + (id.at(-2) === 'A' ? 'B' : 'A') + id.slice(-1)
  const foreign = sealerOf(key()).seal(facts)
  for (const bad of [foreign, id.slice(0, -1), flipped, '', 'x', '....', `${id}${'x'.repeat(10_000)}`])
    expect(sealer.open(bad)).toBeUndefined()
})

test('a key must have 32 bytes', () => {
  expect(() => sealerOf('short')).toThrow(RangeError)
})
