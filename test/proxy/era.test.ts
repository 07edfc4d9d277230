import { expect, test } from 'vitest'
import { checkVersion, eraOf, negotiate } from '../../src/proxy/era.ts'

const envelope = { _meta: { 'io.modelcontextprotocol/protocolVersion': '2026-07-28' } }

test.each([
  [{ method: 'initialize' }, undefined, 'legacy'],
  [{ method: 'initialize' }, '2026-07-28', 'legacy'],
  [{ method: 'tools/list' }, '2025-11-25', 'legacy'],
  [{ method: 'tools/list' }, undefined, 'legacy'],
  [{ method: 'tools/list' }, '2026-07-28', 'modern'],
  [{ method: 'tools/list', params: envelope }, undefined, 'modern'],
  [{ method: 'tools/list', params: envelope }, '2025-11-25', 'modern'],
  [{ method: 'server/discover' }, undefined, 'modern'],
  [[{ method: 'tools/list' }], '2025-03-26', 'legacy'],
  [null, undefined, 'legacy'],
])('%j with header %s is %s', (body, header, era) => {
  expect(eraOf(body, header)).toBe(era)
})

test.each([
  ['2024-11-05', '2024-11-05'],
  ['2025-03-26', '2025-03-26'],
  ['2025-06-18', '2025-06-18'],
  ['2025-11-25', '2025-11-25'],
  ['2024-10-07', '2025-11-25'],
  ['1.0', '2025-11-25'],
  [undefined, '2025-11-25'],
])('a client asking for %s gets %s', (asked, version) => {
  expect(negotiate(asked)).toBe(version)
})

test('D-14: a version header may be missing, but not unknown', () => {
  expect(checkVersion(undefined)).toBeUndefined()
  expect(checkVersion('2025-06-18')).toBeUndefined()
  expect(checkVersion('bad')).toMatchObject({ status: 400, code: -32000 })
})
