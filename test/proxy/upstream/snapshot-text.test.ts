import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Frame, Listing } from '../../../src/proxy/upstream/listing.ts'
import { type Memory, memoryIn, textOf } from '../../../src/proxy/upstream/snapshot-text.ts'
import { bareFrames } from '../../helpers/listing.ts'

/** Whatever JSON can say, as it comes out of a parser: `__proto__` is a member like any other. */
const json = fc.json().map((text): unknown => JSON.parse(text.replaceAll('-0', '0')))
const plain = { noNullPrototype: true } as const
const record = fc.dictionary(fc.oneof(fc.string(), fc.constant('__proto__')), json, plain)
const items = fc.array(record, { maxLength: 3 })
const frame: fc.Arbitrary<Frame> = fc.record(
  {
    extra: record,
    ttlMs: fc.nat(),
    scope: fc.constantFrom('public', 'private'),
  },
  plain,
)
const era = fc.constantFrom('legacy', 'modern')
const listing: fc.Arbitrary<Listing> = fc.record(
  {
    era,
    protocolVersion: fc.string(),
    serverInfo: record,
    capabilities: record,
    instructions: fc.option(fc.string({ unit: 'binary' }), { nil: undefined }),
    tools: items,
    resources: items,
    templates: items,
    prompts: items,
    frames: fc.record({ tools: frame, resources: frame, templates: frame, prompts: frame, greeting: frame }, plain),
  },
  plain,
)
const at = fc.date({ min: new Date(0), max: new Date('2100-01-01'), noInvalidDate: true }).map((date) => date.getTime())
const memory: fc.Arbitrary<Memory> = fc.record(
  {
    verdict: fc.option(fc.record({ era, at }, plain), { nil: undefined }),
    listing: fc.option(listing, { nil: undefined }),
  },
  plain,
)

test('what is read is what was written', () => {
  fc.assert(
    fc.property(memory, (before) => {
      expect(memoryIn(textOf(before))).toStrictEqual(before)
    }),
  )
})

test('no part of a text is taken for the whole', () => {
  fc.assert(
    fc.property(memory, fc.nat(), (before, cut) => {
      const text = Buffer.from(textOf(before))
      const part = text.subarray(0, cut % text.length).toString()
      expect(() => memoryIn(part)).toThrow()
    }),
  )
})

const whole = { era: 'legacy', protocolVersion: '2025-11-25', serverInfo: {}, capabilities: {}, frames: bareFrames }
const lists = { tools: [], resources: [], templates: [], prompts: [] }
const snapshot = (fields: object) => JSON.stringify({ format: 1, listing: { ...whole, ...lists, ...fields } })

test.each([
  ['nothing', '', 'Unexpected end of JSON input'],
  ['no object', '[1]', 'the whole is not what it should be'],
  ['another format', '{"format":2}', 'it is of format 2, not 1'],
  ['no format', '{}', 'it is of format undefined, not 1'],
  ['a list of something else', snapshot({ tools: [1] }), 'tools is not what it should be'],
  ['no list', snapshot({ prompts: undefined }), 'prompts is not what it should be'],
  ['what could never be written', snapshot({ zz: JSON.parse('['.repeat(1000) + ']'.repeat(1000)) }), 'listing is not'],
  ['an unknown era', snapshot({ era: 'other' }), 'era is not what it should be'],
  ['a missing frame', snapshot({ frames: {} }), 'frames.tools is not what it should be'],
  ['instructions that are no text', snapshot({ instructions: {} }), 'instructions is not what it should be'],
  ['a date that is none', '{"format":1,"verdict":{"era":"legacy","at":"soon"}}', 'at is not what it should be'],
])('says what is wrong with %s', (_what, text, message) => {
  expect(() => memoryIn(text)).toThrow(message)
})
