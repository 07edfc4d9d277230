import fc from 'fast-check'
import { expect, test } from 'vitest'
import { carry } from '../../../src/proxy/bridge/carry.ts'
import type { Era } from '../../../src/proxy/mcp/era.ts'
import { isRecord, type Params } from '../../../src/proxy/mcp/rpc.ts'
import { connectionOf, crossingOf, error, errorOf, exchangeOf, result, resultOf } from './fake.ts'

/** Fields that have a meaning in one of the eras, and are therefore the translation's. */
const known = new Set(['_meta', 'resultType', 'structuredContent', 'inputResponses', 'requestState', 'task', 'name'])
const noise = fc
  .dictionary(fc.string(), fc.jsonValue({ maxDepth: 3 }))
  .map((fields): Params => Object.fromEntries(Object.entries(fields).filter(([key]) => !known.has(key))))
const own = fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 2 }), { minKeys: 1 })
/** Codes that mean something in one of the eras only. */
const hop = new Set([-32002, -32020, -32021, -32022, -32042])
const codes = fc.integer().filter((code) => !hop.has(code))
const others = { legacy: 'modern', modern: 'legacy' } as const satisfies Record<Era, Era>

test.each(['legacy', 'modern'] as const)(
  'what a %s client says reaches a server of the other era whole',
  async (era) => {
    await fc.assert(
      fc.asyncProperty(noise, own, async (fields, meta) => {
        const connection = connectionOf(others[era], () => result({ resultType: 'complete' }))
        const params = { name: 'tool', ...fields, _meta: meta }
        await carry(connection, exchangeOf(era, { params }), crossingOf())
        const { _meta: arrived, ...rest } = connection.calls[0]?.params ?? {}
        expect(rest).toEqual({ name: 'tool', ...fields })
        expect(isRecord(arrived) && Object.keys(meta).map((key) => arrived[key])).toEqual(Object.values(meta))
      }),
    )
  },
)

test.each(['legacy', 'modern'] as const)(
  'what a server of the other era says reaches a %s client whole',
  async (era) => {
    await fc.assert(
      fc.asyncProperty(noise, own, async (fields, meta) => {
        const connection = connectionOf(others[era], () => result({ ...fields, _meta: meta }))
        const { _meta: arrived, resultType, ...rest } = resultOf(await carry(connection, exchangeOf(era), crossingOf()))
        expect(rest).toEqual(fields)
        expect(resultType).toBe(era === 'modern' ? 'complete' : undefined)
        expect(isRecord(arrived) && Object.keys(meta).map((key) => arrived[key])).toEqual(Object.values(meta))
      }),
    )
  },
)

test.each(['legacy', 'modern'] as const)('errors reach a %s client as the server made them', async (era) => {
  await fc.assert(
    fc.asyncProperty(codes, fc.string(), fc.jsonValue({ maxDepth: 3 }), noise, async (code, message, data, extra) => {
      const made = error(code, message, data)
      const connection = connectionOf(others[era], () => ({ ...made, error: { ...extra, ...made.error } }))
      const response = await carry(connection, exchangeOf(era), crossingOf())
      expect(errorOf(response)).toEqual({ ...extra, code, message, data })
    }),
  )
})
