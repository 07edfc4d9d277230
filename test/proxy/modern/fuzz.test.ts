import fc from 'fast-check'
import { expect, test } from 'vitest'
import { groupOf, stdioServer } from '../../helpers/group.ts'
import { post } from '../../helpers/mcp.ts'
import { ask, envelopeOf, VERSION } from '../../helpers/modern.ts'
import { holdSocket, startReadyProxy } from '../../helpers/proxy.ts'

const method = fc.constantFrom(
  ...['tools/call', 'tools/list', 'prompts/get', 'resources/read', 'completion/complete', 'server/discover'],
  ...['tasks/get', 'tasks/update', 'initialize', 'ping', '__proto__', 'constructor', 'notifications/cancelled'],
)
const key = fc.constantFrom('name', 'uri', 'ref', 'taskId', 'arguments', 'cursor', '__proto__', 'notifications')
const meta = fc.oneof(
  fc.constant(envelopeOf()),
  fc.jsonValue(),
  fc.dictionary(fc.constantFrom(...Object.keys(envelopeOf()), 'progressToken'), fc.jsonValue()),
)
const params = fc.tuple(fc.dictionary(key, fc.jsonValue()), meta).map(([fields, _meta]) => ({ ...fields, _meta }))
const message = fc.record({ jsonrpc: fc.constant('2.0'), id: fc.jsonValue(), method, params })
const text = fc.string({ unit: fc.constantFrom(...'aZ09=?/ .-_é'), maxLength: 12 })
const headers = fc.dictionary(fc.constantFrom('mcp-method', 'mcp-name', 'mcp-param-x', 'mcp-protocol-version'), text)

test('whatever is sent as a modern request, the answer is one and nothing breaks', async () => {
  using socket = await holdSocket()
  await using proxy = await startReadyProxy({ group: groupOf([stdioServer('one', 'all-features')]), socket })
  const url = `${proxy.url}/mcp`
  await fc.assert(
    fc.asyncProperty(fc.oneof(message, fc.jsonValue()), headers, fc.boolean(), async (body, fields, isHonest) => {
      const named = isHonest && typeof body === 'object' && body !== null && 'method' in body ? String(body.method) : ''
      const honest = { 'mcp-protocol-version': VERSION, ...(named && { 'mcp-method': named }) }
      const response = await post(url, JSON.stringify(body), { ...honest, ...(isHonest ? {} : fields) })
      await response.text()
      expect([200, 202, 400, 404]).toContain(response.status)
    }),
    { numRuns: 300 },
  )
  expect(proxy.log.filter((line) => JSON.parse(line).level === 'error')).toEqual([])
  expect((await ask(url, 'tools/list')).result).toHaveProperty('tools')
})
