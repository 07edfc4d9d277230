import { expect, test } from 'vitest'
import { groupOf, stdioServer } from '../../helpers/group.ts'
import { post } from '../../helpers/mcp.ts'
import { holdSocket, startReadyProxy } from '../../helpers/proxy.ts'

const initialize = {
  jsonrpc: '2.0',
  id: 1,
  method: 'initialize',
  params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'test', version: '1' } },
}

test('a client that names streams first gets its answer as one, any other as JSON', async () => {
  using socket = await holdSocket()
  await using proxy = await startReadyProxy({ group: groupOf([stdioServer('echo', 'echo')]), socket })
  const typeFor = async (accept: string) =>
    (await post(`${proxy.url}/mcp`, initialize, { accept })).headers.get('content-type')
  expect(await typeFor('text/event-stream, application/json')).toBe('text/event-stream')
  expect(await typeFor('application/json, text/event-stream')).toBe('application/json')
  expect(await typeFor('*/*')).toBe('application/json')
})
