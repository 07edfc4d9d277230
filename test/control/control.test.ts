import { once } from 'node:events'
import { request } from 'node:http'
import { createServer, type Socket } from 'node:net'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'rolldown'
import { expect, test } from 'vitest'
import { ControlClient, isSilence, type LogQuery } from '../../src/control/client.ts'
import type { Applied, ControlEvent, LogRecord, Status, Wish } from '../../src/control/protocol.ts'
import { type ControlApi, createControlServer } from '../../src/control/server.ts'
import { McpctlError } from '../../src/shared/errors.ts'
import { tempFolder } from '../helpers/temp.ts'

const status: Status = {
  apiVersion: 'mcpctl/v1',
  kind: 'Status',
  project: 'seed',
  profile: 'dev',
  state: 'ready',
  supervisor: { pid: 1, startedAt: '2026-01-01T00:00:00Z', version: '0.1.0' },
  config: { generation: 1, hash: 'abc', state: 'current', problems: [] },
  groups: [],
}
const applied: Applied = { profile: 'dev', generation: 1, plan: { actions: [], unchanged: ['a'] }, warnings: [] }
const wish: Wish = {
  cwd: '/somewhere',
  files: [],
  envFiles: [],
  env: { HOME: '/home/me', GONE: undefined },
  profile: undefined,
  groups: [],
  portOffset: 0,
  watch: true,
}

test('answers a request with what the supervisor says', async () => {
  await using control = await serve({})
  expect(await control.client.ask('status')).toEqual(status)
})

test('hands the body over as the caller meant it', async () => {
  const bodies: unknown[] = []
  await using control = await serve({ apply: (body) => note(bodies, body), restart: (body) => note(bodies, body) })
  await control.client.ask('apply', wish)
  await control.client.ask('restart', { groups: ['a'] })
  expect(bodies).toEqual([{ ...wish, env: { HOME: '/home/me' } }, { groups: ['a'] }])
})

test('carries a refusal over with its code, hint and diagnostics', async () => {
  const diagnostics = [
    { severity: 'error', code: 'x', message: 'm', file: 'f', line: 1, column: 2, hint: '', frame: '' },
  ] as const
  const error = new McpctlError('config_invalid', 'one problem', { hint: 'repair it', diagnostics })
  await using control = await serve({ reload: () => Promise.reject(error) })
  await expect(control.client.ask('reload', { dryRun: false })).rejects.toEqual(
    expect.objectContaining({ code: 'config_invalid', message: 'one problem', hint: 'repair it', diagnostics }),
  )
})

test('says that no supervisor answers when nobody listens', async () => {
  await using folder = await tempFolder()
  const asked = new ControlClient(join(folder.path, 'control.sock')).ask('status')
  await expect(asked).rejects.toMatchObject({ code: 'unreachable', hint: 'start one with `mcpctl up`' })
})

test('says that the supervisor ended when it goes before it answered', async () => {
  await using control = await serve({ down: () => new Promise(() => {}) })
  const asked = expect(control.client.ask('down')).rejects.toMatchObject({ code: 'unreachable' })
  await control.requested()
  control.cut()
  await asked
})

test.concurrent.each(['status', 'events'] as const)(
  'a supervisor that hangs does not keep the one who asks for %s',
  async (route) => {
    await using folder = await tempFolder()
    const socket = join(folder.path, 'control.sock')
    await using _mute = await listen(socket)
    const client = new ControlClient(socket)
    const asked = route === 'status' ? client.ask('status') : client.events(new AbortController().signal).next()
    const error = await asked.catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({ code: 'unreachable', message: 'the supervisor has not answered for 5 s' })
    expect(isSilence(error)).toBe(true)
  },
  15_000,
)

/** Takes connections and says nothing. */
async function listen(socket: string): Promise<AsyncDisposable> {
  const connections = new Set<Socket>()
  const server = createServer((connection) => connections.add(connection)).listen(socket)
  await once(server, 'listening')
  return {
    async [Symbol.asyncDispose]() {
      for (const connection of connections) connection.destroy()
      await once(server.close(), 'close')
    },
  }
}

test('streams events until the reader has enough', async () => {
  await using control = await serve({})
  const enough = new AbortController()
  const seen: ControlEvent[] = []
  for await (const event of control.client.events(enough.signal)) {
    seen.push(event)
    if (seen.length === 3) enough.abort()
  }
  expect(seen.map((event) => event.type)).toEqual(['status', 'applied', 'applied'])
})

test('tells the supervisor that a reader of events has gone', async () => {
  let gone: Promise<unknown> | undefined
  await using control = await serve({
    async *events(signal) {
      gone = once(signal, 'abort')
      yield { type: 'status', status }
      await gone
    },
  })
  for await (const event of control.client.events(new AbortController().signal)) {
    expect(event.type).toBe('status')
    break
  }
  await gone
})

test('ends the stream of events when the supervisor ends', async () => {
  await using control = await serve({})
  const seen: string[] = []
  for await (const event of control.client.events(new AbortController().signal)) {
    if (seen.push(event.type) === 2) control.cut()
  }
  expect(seen.slice(0, 2)).toEqual(['status', 'applied'])
})

test('passes the log query on', async () => {
  const queries: unknown[] = []
  await using control = await serve({
    async *logs(query) {
      queries.push(query)
      yield { time: 't', level: 'info', msg: 'a' }
    },
  })
  const read = async (query: LogQuery) => {
    const records: LogRecord[] = []
    for await (const record of control.client.logs(query, new AbortController().signal)) records.push(record)
    return records
  }
  expect(await read({ group: 'a', server: 'b c', tail: 5, follow: true })).toEqual([
    { time: 't', level: 'info', msg: 'a' },
  ])
  await read({})
  expect(queries).toEqual([
    { group: 'a', server: 'b c', tail: 5, follow: true },
    { tail: 100, follow: false },
  ])
})

test.each([
  ['an unknown path', 'GET', '/v2/status', '', 400],
  ['a path with the wrong method', 'GET', '/v1/apply', '', 400],
  ['a body that is not JSON', 'POST', '/v1/apply', '{', 400],
  ['a wish without an environment', 'POST', '/v1/apply', '{"cwd":"/"}', 400],
  ['groups that are no names', 'POST', '/v1/stop', '{"groups":[1]}', 400],
  ['a number of records that is none', 'GET', '/v1/logs?tail=many', '', 400],
  ['a body beyond the limit', 'POST', '/v1/apply', ' '.repeat(5 * 1024 * 1024), 400],
])('refuses %s', async (_title, method, path, body, expected) => {
  await using control = await serve({})
  const answer = await raw(control.client.socket, method, path, body)
  expect(answer.status).toBe(expected)
  expect(JSON.parse(answer.text).error).toMatchObject({ code: 'usage', exit: 2 })
})

test('loads nothing but built-in modules, so that a short command starts at once', async () => {
  const entry = fileURLToPath(new URL('../../src/control/client.ts', import.meta.url))
  const { output } = await build({ input: entry, platform: 'node', external: /^[@a-z]/, write: false })
  const imported = output.flatMap((file) => (file.type === 'chunk' ? [...file.imports, ...file.dynamicImports] : []))
  expect(imported).toEqual(['node:http'])
})

function note(into: unknown[], body: unknown): Applied {
  into.push(body)
  return applied
}

async function serve(parts: Partial<ControlApi>) {
  const folder = await tempFolder()
  const api: ControlApi = {
    status: () => status,
    apply: () => applied,
    plan: () => applied,
    reload: () => applied,
    rollback: () => applied,
    restart: () => applied,
    start: () => applied,
    stop: () => applied,
    down: () => ({ stopped: [], killed: [] }),
    async *events() {
      yield { type: 'status', status }
      for (;;) yield { type: 'applied', applied }
    },
    async *logs() {},
    ...parts,
  }
  const server = createControlServer(api)
  const socket = join(folder.path, 'control.sock')
  await once(server.listen(socket), 'listening')
  return {
    client: new ControlClient(socket),
    requested: () => once(server, 'request'),
    cut: () => server.closeAllConnections(),
    async [Symbol.asyncDispose]() {
      server.close()
      server.closeAllConnections()
      await folder[Symbol.asyncDispose]()
    },
  }
}

function raw(socketPath: string, method: string, path: string, body: string) {
  return new Promise<{ status: number; text: string }>((resolve, reject) => {
    const outgoing = request({ socketPath, method, path, agent: false }, async (answer) => {
      let text = ''
      for await (const chunk of answer.setEncoding('utf8')) text += chunk
      resolve({ status: answer.statusCode ?? 0, text })
    })
    outgoing.once('error', reject)
    outgoing.end(body)
  })
}
