import { expect } from 'vitest'
import { type ReadEvents, readEvents } from '../helpers/events.ts'
import { fixturePath } from '../helpers/fixture.ts'
import { type Message, post } from '../helpers/mcp.ts'
import { freePort } from '../helpers/ports.ts'
import { isAlive } from '../helpers/processes.ts'
import { waitFor } from '../helpers/wait.ts'
import { type Detached, detached } from './detached.ts'

export interface Ground extends AsyncDisposable {
  readonly d: Detached
  readonly port: number
  readonly url: string
  ready(): Promise<{ readonly group: Awaited<ReturnType<typeof statusOf>>['groups'][number] }>
  reload(servers: Servers): Promise<void>
  /** Resolves when the new proxy serves and, unless told otherwise, the old one has ended. */
  restart(how?: { readonly wait?: boolean }): Promise<void>
  /** Kills the proxy once it counts as having done its work, and resolves when the next one is ready. */
  kill(): Promise<void>
}

/** Server names and the fixtures that play them; another word after it makes another definition of the same. */
type Servers = Readonly<Record<string, string>>

/** A supervisor with one group of these servers. */
export async function ground(servers: Servers): Promise<Ground> {
  const port = await freePort()
  const d = await detached(yamlOf(port, servers))
  d.start()
  await d.answered()
  await d.client.ask('apply', { ...d.wish, watch: false })
  const ready: Ground['ready'] = () =>
    waitFor(async () => {
      const { state, groups } = await statusOf(d)
      return state === 'ready' && groups[0] ? { group: groups[0] } : undefined
    }, 20_000)
  await ready()
  return {
    d,
    port,
    url: `http://127.0.0.1:${port}/mcp`,
    ready,
    async reload(next) {
      await d.folder.write({ 'mcpctl.yaml': yamlOf(port, next) })
      await d.client.ask('reload', { dryRun: false })
      await ready()
    },
    async restart({ wait = true } = {}) {
      const old = (await ready()).group.pid ?? 0
      await d.client.ask('restart', { groups: [] })
      expect((await ready()).group.pid).not.toBe(old)
      if (wait) await waitFor(() => !isAlive(old), 20_000)
    },
    async kill() {
      const { group } = await ready()
      process.kill(group.pid ?? 0, 'SIGKILL')
      await waitFor(async () => (await statusOf(d)).groups[0]?.pid !== group.pid)
      await ready()
    },
    [Symbol.asyncDispose]: () => d[Symbol.asyncDispose](),
  }
}

function statusOf({ client }: Detached) {
  return client.ask('status')
}

/** Counts those that are over. */
export function countOver(streams: readonly Pick<ReadEvents, 'over'>[]): () => number {
  let over = 0
  for (const one of streams) void one.over.then(() => over++)
  return () => over
}

/** A client of HTTP+SSE. */
export async function oldest(port: number) {
  const origin = `http://127.0.0.1:${port}`
  const read = await readEvents(`${origin}/sse`, { headers: { accept: 'text/event-stream' } })
  const path = (await waitFor(() => read.events[0])).data
  const answers = () =>
    read.events.flatMap(({ event, data }) => (event === 'endpoint' ? [] : [JSON.parse(data) as Message]))
  const ask = async (method: string, params: object, id: string) => {
    expect((await post(`${origin}${path}`, { jsonrpc: '2.0', id, method, params })).status).toBe(202)
    return waitFor(() => answers().find((answer) => answer.id === id))
  }
  const clientInfo = { name: 'oldest', version: '1' }
  await ask('initialize', { protocolVersion: '2024-11-05', capabilities: {}, clientInfo }, 'init')
  return {
    over: read.over,
    abort: read.abort,
    get messages() {
      return answers()
    },
    ask,
  }
}

function yamlOf(port: number, servers: Servers): string {
  const names = Object.keys(servers)
  const group = `{ port: ${port}, servers: [${names.join(', ')}] }`
  const definitions = Object.entries(servers).map(([name, fixture]) => `  ${name}: ${definitionOf(fixture)}`)
  return ['version: 1', 'servers:', ...definitions, `profiles: { dev: { groups: { g: ${group} } } }`, ''].join('\n')
}

function definitionOf(server: string): string {
  const [fixture = '', change = ''] = server.split(' ')
  return `{ command: ${process.execPath}, args: [${fixturePath(fixture)}], env: { CHANGE: "${change}" } }`
}
