import { createRequire } from 'node:module'
import { ListRootsRequestSchema } from '@modelcontextprotocol/sdk/types.js'
import { expect, test } from 'vitest'
import { groupOf, serverOf } from '../../helpers/group.ts'
import { connect } from '../../helpers/mcp.ts'
import { holdSocket, startReadyProxy } from '../../helpers/proxy.ts'
import { waitFor } from '../../helpers/wait.ts'

const program = createRequire(import.meta.url).resolve('@modelcontextprotocol/server-everything/dist/index.js')

test('a server that shows tools by what its client can do shows each client its own', async () => {
  using socket = await holdSocket()
  const transport = { kind: 'stdio', command: process.execPath, args: [program], env: {}, cwd: '/' } as const
  const group = groupOf([serverOf('all', { transport, session: 'per-client' })])
  await using proxy = await startReadyProxy({ group, socket })
  await using rooted = await connect(`${proxy.url}/mcp`, { roots: {} })
  await using plain = await connect(`${proxy.url}/mcp`)
  rooted.client.setRequestHandler(ListRootsRequestSchema, () => ({ roots: [{ uri: 'file:///here', name: 'here' }] }))
  const toolsOf = async ({ client }: typeof plain) => (await client.listTools()).tools.map(({ name }) => name)
  await waitFor(async () => (await toolsOf(rooted)).includes('all_get-roots-list'))
  expect(await toolsOf(plain)).not.toContain('all_get-roots-list')
  expect(await toolsOf(plain)).not.toContain('all_trigger-sampling-request')
  await waitFor(async () => {
    const result = await rooted.client.callTool({ name: 'all_get-roots-list', arguments: {} })
    return JSON.stringify(result).includes('file:///here')
  })
})
