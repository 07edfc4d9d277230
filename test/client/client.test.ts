import { expect, test } from 'vitest'
import { connectClient } from '../../src/client/client.ts'
import { freePort } from '../helpers/ports.ts'
import { waitFor } from '../helpers/wait.ts'
import { scriptedServer } from './scripted-server.ts'

function connect(url: string, token?: string, signal = new AbortController().signal) {
  return connectClient({ url, token, version: '0.0.0', signal })
}

test('lists follow every page and keep fields nobody knows', async () => {
  const tool = { name: 'a', inputSchema: { type: 'object', 'x-new': 1 }, icons: [{ src: 'x' }], unknown: { deep: [1] } }
  await using server = await scriptedServer(({ params }) => ({
    result: params?.['cursor'] === 'next' ? { tools: [{ name: 'b' }] } : { tools: [tool], nextCursor: 'next' },
  }))
  await using client = await connect(server.url)
  expect(await client.list('tools')).toEqual([tool, { name: 'b' }])
})

test('a server without a capability is not asked for its list', async () => {
  await using server = await scriptedServer(() => ({ error: { code: -32601, message: 'never asked' } }))
  await using client = await connect(server.url)
  expect(await client.list('prompts')).toEqual([])
})

test('a result comes back whole', async () => {
  const result = { content: [{ type: 'new', x: 1 }], structuredContent: { a: 1 }, isError: true, extra: 'kept' }
  await using server = await scriptedServer(({ params }) => ({ result: { ...result, echo: params } }))
  await using client = await connect(server.url)
  expect(await client.call('t', { k: 'v' })).toEqual({ ...result, echo: { name: 't', arguments: { k: 'v' } } })
})

test('the session is said goodbye to', async () => {
  await using server = await scriptedServer(() => ({ result: {} }))
  {
    await using client = await connect(server.url)
    await client.ping()
  }
  expect(server.goodbyes()).toBe(1)
})

test('a token is sent with every request', async () => {
  await using server = await scriptedServer(() => ({ result: {} }))
  {
    await using _client = await connect(server.url, 'let-me-in')
  }
  expect(new Set(server.tokens)).toEqual(new Set(['Bearer let-me-in']))
})

test.each([
  ['an unknown tool', { code: -32602, message: 'Unknown tool: x' }, 'tool_error', 'Unknown tool: x'],
  ['a dead server', { code: -31001, message: 'lan is not connected' }, 'unreachable', 'lan is not connected'],
  ['a slow server', { code: -31002, message: 'no answer' }, 'unreachable', 'no answer'],
  [
    'a server that wants authentication',
    { code: -31001, message: 'log in', data: { mcpctl: { kind: 'authRequired' } } },
    'auth_required',
    'log in',
  ],
])('%s is told apart, in the words of the answer', async (_title, error, code, message) => {
  await using server = await scriptedServer(() => ({ error }))
  await using client = await connect(server.url)
  await expect(client.call('x', {})).rejects.toMatchObject({ code, message })
})

test('nobody listening is unreachable and names the address', async () => {
  const url = `http://127.0.0.1:${await freePort()}/mcp`
  await expect(connect(url)).rejects.toMatchObject({
    code: 'unreachable',
    message: expect.stringContaining('ECONNREFUSED'),
  })
})

test('an aborted call is cancelled at the server and throws the reason', async () => {
  const over = new AbortController()
  await using server = await scriptedServer(({ method }) => {
    if (method === 'tools/call') setImmediate(() => over.abort(new Error('enough')))
    return method === 'tools/call' ? 'silence' : { result: {} }
  })
  await using client = await connect(server.url, undefined, over.signal)
  await expect(client.call('slow', {})).rejects.toThrow('enough')
  await waitFor(() => server.notifications.includes('notifications/cancelled'))
})
