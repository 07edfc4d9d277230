import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { addEnvelope, addSignature, stripEnvelope, stripSignature } from '../../../src/proxy/bridge/envelope.ts'
import type { Caller } from '../../../src/proxy/mcp/exchange.ts'
import { isRecord, type Params } from '../../../src/proxy/mcp/rpc.ts'
import { serverInfo } from './fake.ts'

const json = fc.jsonValue({ maxDepth: 3 })
const record = fc.dictionary(fc.string(), json)
/** Params as a client may send them: `_meta` is left out, or says something. */
const params = fc.tuple(record, fc.option(record, { nil: undefined })).map(([rest, meta]): Params => {
  const { _meta, resultType: _type, ...others } = rest
  return meta === undefined || Object.keys(meta).length === 0 ? others : { ...others, _meta: meta }
})
const caller: fc.Arbitrary<Caller> = fc
  .record({ capabilities: record, level: fc.constantFrom(undefined, 'debug' as const), clientInfo: record })
  .map((said) => ({ era: 'legacy', principal: '', session: undefined, ...said }))

describe('the envelope of a request', () => {
  test('leaves no trace when it was added and stripped', () => {
    fc.assert(
      fc.property(params, caller, (given, who) => {
        expect(stripEnvelope(addEnvelope(given, who, '2026-07-28'))).toEqual(given)
      }),
    )
  })

  test('is a no-op to strip where there is none', () => {
    fc.assert(
      fc.property(params, (given) => {
        expect(stripEnvelope(given)).toEqual(given)
      }),
    )
    expect(stripEnvelope(undefined)).toBeUndefined()
  })

  test('takes the place of what a legacy client says under its names', () => {
    const who: Caller = {
      era: 'legacy',
      principal: '',
      session: undefined,
      capabilities: {},
      clientInfo: {},
      level: undefined,
    }
    const forged = { _meta: { 'io.modelcontextprotocol/clientCapabilities': { sampling: {} } } }
    const added = addEnvelope(forged, who, '2026-07-28')
    expect(isRecord(added._meta) && added._meta['io.modelcontextprotocol/clientCapabilities']).toEqual({})
  })
})

describe('the signature of a result', () => {
  test('leaves no trace when it was added and stripped', () => {
    fc.assert(
      fc.property(params, (given) => {
        expect(stripSignature(addSignature(given, serverInfo))).toEqual(given)
      }),
    )
  })

  test('is the type alone when the server does not say who it is', () => {
    expect(addSignature({ a: 1 }, {})).toEqual({ a: 1, resultType: 'complete' })
  })
})
