import { expect, test } from 'vitest'
import { checkVersion, eraOf, negotiate } from '../../../src/proxy/mcp/era.ts'

const claim = (version: unknown) => ({ _meta: { 'io.modelcontextprotocol/protocolVersion': version } })
const request = (method: string, params?: unknown) => ({ jsonrpc: '2.0', id: 1, method, ...(params ? { params } : {}) })
const note = (params?: unknown) => ({ jsonrpc: '2.0', method: 'notifications/x', ...(params ? { params } : {}) })
const modern = claim('2026-07-28')

test.each([
  ['initialize', request('initialize'), undefined, 'legacy'],
  ['initialize with a legacy header', request('initialize'), '2025-11-25', 'legacy'],
  ['initialize with a modern envelope', request('initialize', modern), '2026-07-28', 'modern'],
  ['a request', request('tools/list'), '2025-11-25', 'legacy'],
  ['a request without header', request('tools/list'), undefined, 'legacy'],
  ['a request with an odd header', request('tools/list'), 'bad', 'legacy'],
  ['an envelope', request('tools/list', modern), '2026-07-28', 'modern'],
  ['an envelope without header', request('tools/list', modern), undefined, 'modern'],
  ['an envelope against the header', request('tools/list', modern), '2025-11-25', 'modern'],
  ['an envelope of an unknown revision', request('tools/list', claim('2099-01-01')), undefined, 'modern'],
  ['an envelope of a legacy revision', request('tools/list', claim('2025-11-25')), '2025-11-25', 'legacy'],
  ['server/discover with an envelope', request('server/discover', modern), undefined, 'modern'],
  ['a notification', note(), undefined, 'legacy'],
  ['a notification with a modern header', note(), '2026-07-28', 'modern'],
  ['a notification with an envelope', note(modern), undefined, 'modern'],
  ['a malformed message with a modern header', { method: 'x' }, '2026-07-28', 'modern'],
  ['a response', { jsonrpc: '2.0', id: 1, result: {} }, '2026-07-28', 'legacy'],
  ['a batch', [request('tools/list', modern)], '2026-07-28', 'legacy'],
  ['nothing', null, undefined, 'legacy'],
])('%s is of one era', (_what, body, header, era) => {
  expect(eraOf(body, header)).toBe(era)
})

test.each([
  ['initialize with a modern header', request('initialize'), '2026-07-28', -32020],
  ['a modern header over a legacy envelope', request('tools/list', claim('2025-11-25')), '2026-07-28', -32020],
  ['a modern header without an envelope', request('tools/list'), '2026-07-28', -32602],
  ['an unknown modern header without an envelope', request('tools/list'), '2099-01-01', -32602],
  ['server/discover without an envelope', request('server/discover'), undefined, -32602],
  ['a version that is no text', request('tools/list', claim(20260728)), undefined, -32602],
])('%s is of no era', (_what, body, header, code) => {
  expect(eraOf(body, header)).toMatchObject({ status: 400, code, id: 1 })
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
