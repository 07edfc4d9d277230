import { randomUUID } from 'node:crypto'
import { expect, test } from 'vitest'
import { groupOf, stdioServer } from '../../helpers/group.ts'
import { rawSession } from '../../helpers/mcp.ts'
import { isAlive } from '../../helpers/processes.ts'
import { holdSocket, startReadyProxy } from '../../helpers/proxy.ts'
import { waitFor } from '../../helpers/wait.ts'
import { textOf, wireClient } from '../sessions/wire.ts'
import { ANSWERED, end, inFrontOf, json, type Script, scripted, type Way } from './scripted.ts'

const call = { name: 's_go' }
const capabilities = { tools: { listChanged: true }, logging: {}, resources: { subscribe: true } }

/** Says of a forgotten session what this server says, and of a known one what it is asked. */
function forgetful(say: (way: Way, message: object) => typeof ANSWERED) {
  let known = randomUUID()
  const guarded = (act: (way: Way) => unknown) => (message: object, way: Way) =>
    way.headers['mcp-session-id'] === known ? act(way) : say(way, message)
  const serverInfo = { name: 'scripted', version: '1' }
  const script: Script = {
    initialize: (_message, { response }) => {
      response.setHeader('mcp-session-id', known)
      return { protocolVersion: '2025-11-25', capabilities, serverInfo }
    },
    'resources/list': guarded(() => ({ resources: [{ uri: 'a://1', name: 'one' }] })),
    'resources/subscribe': guarded(() => ({})),
    'logging/setLevel': guarded(() => ({})),
    'tools/call': guarded(() => ({ content: [], done: true })),
    GET: guarded((way) => {
      way.response.writeHead(200, { 'content-type': 'text/event-stream' }).flushHeaders()
      return ANSWERED
    }),
  }
  return {
    script,
    forget: () => {
      known = randomUUID()
    },
  }
}

const ways: [string, (way: Way, message: object) => typeof ANSWERED][] = [
  ['404', ({ response }) => end(response, 404)],
  [
    '400 with an error that names no request',
    ({ response }) =>
      json(response, { id: null, error: { code: -32000, message: 'Bad Request: session required' } }, 400),
  ],
  [
    '400 with an error for this request',
    ({ response }, message) =>
      json(response, { id: Reflect.get(message, 'id'), error: { code: -32000, message: 'Session required' } }, 400),
  ],
  [
    '400 in plain words',
    ({ response }) => {
      response.writeHead(400, { 'content-type': 'text/plain' }).end('Bad Request: No valid session ID provided')
      return ANSWERED
    },
  ],
]

test.each(ways)(
  'a lost session: told by %s, it is begun anew once for all calls, and knows again what it knew',
  async (_how, say) => {
    const { script, forget } = forgetful(say)
    await using server = await scripted(script)
    await using at = await inFrontOf({ s: server })
    await using client = await wireClient(at.url)
    await client.ask('logging/setLevel', { level: 'warning' })
    await client.ask('resources/subscribe', { uri: 'a://1' })
    forget()
    const before = server.got.length
    const answers = await Promise.all([1, 2, 3].map((id) => client.ask('tools/call', call, id)))
    expect(answers.map(({ result }) => result?.done)).toEqual([true, true, true])
    const after = server.got.slice(before)
    const begun = after.filter(({ message }) => message?.method === 'initialize')
    expect(begun).toHaveLength(1)
    expect(begun[0]?.headers['mcp-session-id']).toBeUndefined()
    const told = () => server.got.slice(before).map(({ verb, message }) => message?.method ?? verb)
    await waitFor(() => ['logging/setLevel', 'resources/subscribe', 'GET'].every((one) => told().includes(one)))
  },
)

test('a stream that ends without its answer: the call ends at once, saying so', async () => {
  await using server = await scripted({
    'tools/call': (_message, { event, response }) => {
      event({ method: 'notifications/vendor' })
      response.end()
      return ANSWERED
    },
  })
  await using at = await inFrontOf({ s: server })
  const { ask } = await rawSession(at.url)
  const answer = (await ask('tools/call', call)).at(-1)
  expect(answer?.error).toMatchObject({ code: -31001, data: { mcpctl: { upstream: 's' } } })
  expect(server.heard('tools/call')).toHaveLength(1)
})

test('a stream that ends without its answer: goes on by the id of its last event, after the pause it asked for', async () => {
  let brokeAt = 0
  let backAfter = 0
  await using server = await scripted({
    'tools/call': (_message, { event, response }) => {
      event({ method: 'notifications/vendor' }, 'e-1')
      response.end('retry: 300\n\n')
      brokeAt = performance.now()
      return ANSWERED
    },
    GET: (_message, { headers, event, response }) => {
      if (headers['last-event-id'] === undefined) return end(response, 405)
      backAfter = performance.now() - brokeAt
      event({ id: server.heard('tools/call')[0]?.id, result: { content: [], resumed: headers['last-event-id'] } })
      response.end()
      return ANSWERED
    },
  })
  await using at = await inFrontOf({ s: server })
  const { ask } = await rawSession(at.url, { protocolVersion: '2025-06-18' })
  expect((await ask('tools/call', call)).at(-1)?.result).toEqual({ content: [], resumed: 'e-1' })
  expect(backAfter).toBeGreaterThan(250)
  expect(server.heard('tools/call')).toHaveLength(1)
})

test('a stream that ends without its answer: the one beside the calls is opened again, however often it ends', async () => {
  let opened = 0
  await using server = await scripted({
    GET: (_message, { event, response }) => {
      opened++
      event({ method: 'notifications/vendor', params: { opened } })
      if (opened < 3) response.end('retry: 10\n\n')
      return ANSWERED
    },
  })
  await using _at = await inFrontOf({ s: server })
  await waitFor(() => opened === 3)
})

test('repeating: a read whose connection broke is asked again, a tool call never', async () => {
  const broken = { reads: 0, calls: 0 }
  await using server = await scripted(
    {
      'resources/list': () => ({ resources: [{ uri: 'a://1', name: 'one' }] }),
      'resources/read': ({ params }, { response }) => {
        if (broken.reads++ > 0) return { contents: [{ uri: params?.uri, text: 'read' }] }
        response.destroy()
        return ANSWERED
      },
      'tools/call': (_message, { response }) => {
        broken.calls++
        response.destroy()
        return ANSWERED
      },
    },
    { capabilities },
  )
  await using at = await inFrontOf({ s: server })
  const { ask } = await rawSession(at.url)
  expect((await ask('resources/read', { uri: 'a://1' }))[0]?.result).toMatchObject({ contents: [{ text: 'read' }] })
  expect((await ask('tools/call', call))[0]?.error).toMatchObject({ code: -31001 })
  expect(broken).toEqual({ reads: 2, calls: 1 })
})

test('stdio: an answer above 10 MiB passes, what is no message is skipped, and no process is left behind', async () => {
  using socket = await holdSocket()
  const servers = [stdioServer('s', 'echo'), stdioServer('n', 'noisy')]
  let pid: number
  {
    await using proxy = await startReadyProxy({ group: groupOf(servers), socket })
    await using client = await wireClient(`${proxy.url}/mcp`)
    const bytes = 11 * 1024 * 1024
    expect(textOf(await client.ask('tools/call', { name: 's_big', arguments: { bytes } }))).toHaveLength(bytes)
    pid = JSON.parse(textOf(await client.ask('tools/call', { name: 's_state' }))).pid
    const env = JSON.parse(textOf(await client.ask('tools/call', { name: 's_env' })))
    expect(Object.keys(env)).toContain('PATH')
  }
  await waitFor(() => !isAlive(pid))
})
