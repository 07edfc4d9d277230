import { randomBytes } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { digestOf, openState, sealState } from '../../../src/proxy/bridge/request-state.ts'
import type { Params } from '../../../src/proxy/mcp/rpc.ts'

const key = randomBytes(32)
const claims = { call: 'one', upstream: 'files', principal: 'me', digest: 'd' }
const MINUTE = 60_000

describe('a sealed state', () => {
  test('opens to what went in, with a call and without', () => {
    for (const given of [claims, { ...claims, call: undefined }])
      expect(openState(sealState(given, key, MINUTE), key)).toEqual(given)
  })

  test('shows nothing of what is in it', () => {
    const state = sealState({ ...claims, principal: 'a-secret-name' }, key, MINUTE)
    const parts = state.split('.').map((part) => Buffer.from(part, 'base64url').toString())
    expect(parts.join()).not.toContain('a-secret-name')
  })

  test('does not open with another key, too late, or changed in any place', () => {
    const state = sealState(claims, key, MINUTE)
    expect(openState(state, randomBytes(32))).toBeUndefined()
    expect(openState(sealState(claims, key, -2 * MINUTE), key)).toBe('expired')
    for (let at = 0; at < state.length; at += 7) {
      const changed = state.slice(0, at) + (state[at] === 'A' ? 'B' : 'A') + state.slice(at + 1)
      expect(openState(changed, key)).toBeUndefined()
    }
  })

  test.each([[1], [null], [{}], [''], ['x.y.z'], ['x'.repeat(5000)]])('is not %j', (state) => {
    expect(openState(state, key)).toBeUndefined()
  })
})

describe('the digest of a request', () => {
  const record = fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 3 }))
  const turned = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(turned)
    if (typeof value !== 'object' || value === null) return value
    return Object.fromEntries(
      Object.entries(value)
        .reverse()
        .map(([one, other]) => [one, turned(other)]),
    )
  }

  test('does not change with the order of keys, nor with what belongs to one request alone', () => {
    fc.assert(
      fc.property(record, record, (given, meta) => {
        const { _meta, inputResponses, requestState, ...params } = given
        const retry = { ...(turned(params) as Params), _meta: meta, inputResponses: meta, requestState: 'x' }
        expect(digestOf({ method: 'm', params: retry })).toBe(digestOf({ method: 'm', params }))
      }),
    )
  })

  test('differs for different requests', () => {
    fc.assert(
      fc.property(record, record, (one, other) => {
        const digest = (value: Params) => digestOf({ method: 'm', params: { arguments: value } })
        const same = JSON.stringify(turned(sortedOf(one))) === JSON.stringify(turned(sortedOf(other)))
        expect(digest(one) === digest(other)).toBe(same)
      }),
    )
    const digests = [{ a: 1 }, [['a', 1]], ['{', ['a', 1]], { a: '1' }, {}, [], null].map((value) =>
      digestOf({ method: 'm', params: { arguments: value } }),
    )
    expect(new Set(digests).size).toBe(digests.length)
    expect(digestOf({ method: 'n', params: {} })).not.toBe(digestOf({ method: 'm', params: {} }))
  })

  function sortedOf(value: unknown): unknown {
    if (Array.isArray(value)) return value.map(sortedOf)
    if (typeof value !== 'object' || value === null) return value
    const entries = Object.entries(value).sort(([one], [other]) => (one < other ? -1 : 1))
    return Object.fromEntries(entries.map(([one, other]) => [one, sortedOf(other)]))
  }
})
