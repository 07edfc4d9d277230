import { expect, test } from 'vitest'
import { fieldsText, freshnessOf, surroundingOf } from '../../../src/proxy/catalog/frames.ts'
import { offerOf } from '../../../src/proxy/catalog/offer.ts'
import { bareFrame, type Frame, type Listing } from '../../../src/proxy/upstream/listing.ts'
import { serverOf } from '../../helpers/group.ts'
import { bareFrames } from '../../helpers/listing.ts'

function offer(name: string, tools: Partial<Frame> = {}, fields: Partial<Listing> = {}) {
  return offerOf(serverOf(name), {
    era: 'modern',
    protocolVersion: '2026-07-28',
    serverInfo: {},
    capabilities: { tools: {} },
    instructions: undefined,
    tools: [],
    resources: [],
    templates: [],
    prompts: [],
    frames: { ...bareFrames, tools: { ...bareFrame, ...tools } },
    ...fields,
  })
}

const whoever = { age: () => 0, isPublic: true }
const long = { ttlMs: 60_000, scope: 'public' } as const

test('a list is good for as long as the shortest-lived of what it is made of', () => {
  const offers = [offer('a', long), offer('b', { ...long, ttlMs: 5000 })]
  expect(freshnessOf(offers, 'tools', whoever)).toEqual({ ttlMs: 5000, cacheScope: 'public' })
})

test('what is left counts, from when each server last confirmed its lists, in whole milliseconds', () => {
  const offers = [offer('a', long), offer('b', { ...long, ttlMs: 50_000 })]
  const age = (server: string) => (server === 'a' ? 20_000.5 : 100)
  expect(freshnessOf(offers, 'tools', { ...whoever, age })).toMatchObject({ ttlMs: 39_999 })
  expect(freshnessOf(offers, 'tools', { ...whoever, age: () => Infinity })).toMatchObject({ ttlMs: 0 })
})

test.each([
  ['a server says nothing', [offer('a', long), offer('b')]],
  ['a server is not known yet', [offer('a', long), offerOf(serverOf('b'), undefined)]],
  ['there is no server', []],
])('it must not be kept when %s', (_what, offers) => {
  expect(freshnessOf(offers, 'tools', whoever)).toEqual({ ttlMs: 0, cacheScope: 'private' })
})

test('a server without such a list takes nothing away', () => {
  const other = offer('b', {}, { capabilities: { prompts: {} } })
  expect(freshnessOf([offer('a', long), other], 'tools', whoever)).toEqual({ ttlMs: 60_000, cacheScope: 'public' })
})

test('D-34: one private part, or a token that is needed, makes the whole private', () => {
  expect(freshnessOf([offer('a', long), offer('b', { ttlMs: 9 })], 'tools', whoever).cacheScope).toBe('private')
  expect(freshnessOf([offer('a', long)], 'tools', { ...whoever, isPublic: false }).cacheScope).toBe('private')
})

test('of what servers say besides, each field is the first one’s', () => {
  const offers = [
    offer('a', { extra: { x: 1, _meta: { 'v/a': 1, 'io.modelcontextprotocol/serverInfo': { name: 'a' } } } }),
    offer('b', { extra: { x: 2, y: 3, _meta: { 'v/a': 2, 'v/b': 3 } } }),
  ]
  const surrounding = surroundingOf(offers, 'tools')
  expect(surrounding).toEqual({ fields: { x: 1, y: 3 }, meta: { 'v/a': 1, 'v/b': 3 } })
  expect(JSON.parse(`{"tools":[]${fieldsText(surrounding, 'legacy')}}`)).toEqual({
    tools: [],
    x: 1,
    y: 3,
    _meta: { 'v/a': 1, 'v/b': 3 },
  })
  expect(JSON.parse(`{"tools":[]${fieldsText(surrounding, 'modern')}}`)).toEqual({ tools: [], x: 1, y: 3 })
  expect(fieldsText({ fields: {}, meta: undefined }, 'legacy')).toBe('')
})

test('a member named __proto__ is said like any other', () => {
  const said = JSON.parse('{"__proto__":1,"_meta":{"__proto__":2}}')
  const surrounding = surroundingOf([offer('a', { extra: said })], 'tools')
  expect(fieldsText(surrounding, 'legacy')).toBe(',"__proto__":1,"_meta":{"__proto__":2}')
})

test('an empty _meta is not the same as none', () => {
  expect(fieldsText(surroundingOf([offer('a', { extra: { _meta: {} } })], 'tools'), 'legacy')).toBe(',"_meta":{}')
  expect(fieldsText(surroundingOf([offer('a', { extra: {} })], 'tools'), 'legacy')).toBe('')
})
