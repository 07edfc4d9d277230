import { readdirSync, readFileSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { ControlClient } from '../../src/control/client.ts'
import type { GroupStatus } from '../../src/control/protocol.ts'
import { statePaths } from '../../src/shared/paths.ts'
import { type ChaosServer, chaosCommand, chaosServer } from '../helpers/chaos.ts'
import { startFixture } from '../helpers/fixture.ts'
import { type Gremlin, gremlin } from '../helpers/gremlin.ts'
import { freePort } from '../helpers/ports.ts'
import { makeProject, type Project, stdioServer } from '../helpers/project.ts'

/** Three groups: `local` over stdio, `remote` over HTTP in both eras, `steady`, whose proxy nobody kills. */
export interface World extends AsyncDisposable {
  readonly project: Project
  readonly client: ControlClient
  readonly urls: Readonly<Record<GroupName, string>>
  readonly chaos: ChaosServer
  readonly between: Gremlin
  group(name: string): Promise<GroupStatus>
  supervisorPid(): Promise<number>
  /** Saves the profile set with these changes. */
  save(variant: Variant): Promise<void>
}

export type GroupName = 'local' | 'remote' | 'steady'

/** What reloads change: a server more or less, a server's environment, a limit of time. */
interface Variant {
  readonly extra: boolean
  readonly turn: number
}

export async function world(): Promise<World> {
  const stack = new AsyncDisposableStackOf()
  try {
    return await build(stack)
  } catch (error) {
    await stack[Symbol.asyncDispose]()
    throw error
  }
}

/** Ends what it was given, the newest first. */
class AsyncDisposableStackOf implements AsyncDisposable {
  readonly #owned: AsyncDisposable[] = []

  own<T extends AsyncDisposable>(resource: T): T {
    this.#owned.push(resource)
    return resource
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const resource of this.#owned.toReversed()) await resource[Symbol.asyncDispose]()
  }
}

async function build(stack: AsyncDisposableStackOf): Promise<World> {
  const chaos = stack.own(await chaosServer('http', { answer: 'sse', stream: true }))
  const behind = stack.own(await chaosServer('http', { answer: 'json' }))
  const between = stack.own(await gremlin(behind.url))
  const modern = stack.own(await startFixture('modern-http', ['0']))
  const sse = stack.own(await chaosServer('sse'))
  const ports = { local: await freePort(), remote: await freePort(), steady: await freePort() }
  const addresses = { chaos: chaos.url, far: between.url, modern: modern.address, sse: sse.url }
  const yaml = (variant: Variant) => profileSet({ ports, addresses, variant })
  const project = stack.own(await makeProject({ 'mcpctl.yaml': yaml({ extra: false, turn: 0 }) }))
  await project.ok(['up', '-d', '--wait'])
  const { socket } = statePaths(project.folder, { MCPCTL_HOME: join(project.folder, '.state') })
  const client = new ControlClient(socket)
  return {
    project,
    client,
    urls: urlsOf(ports),
    chaos,
    between,
    group: async (name) => found((await client.ask('status')).groups.find((group) => group.name === name)),
    supervisorPid: async () => (await client.ask('status')).supervisor.pid,
    save: (variant) => writeFile(join(project.folder, 'mcpctl.yaml'), yaml(variant)),
    [Symbol.asyncDispose]: () => stack[Symbol.asyncDispose](),
  }
}

function found<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('there is no such group')
  return value
}

function urlsOf(ports: Readonly<Record<GroupName, number>>): Record<GroupName, string> {
  const url = (port: number) => `http://127.0.0.1:${port}/mcp`
  return { local: url(ports.local), remote: url(ports.remote), steady: url(ports.steady) }
}

interface SetOptions {
  readonly ports: Readonly<Record<GroupName, number>>
  readonly addresses: Readonly<Record<'chaos' | 'far' | 'modern' | 'sse', string>>
  readonly variant: Variant
}

function profileSet({ ports, addresses, variant: { extra, turn } }: SetOptions): string {
  const { command, args } = chaosCommand()
  return `version: 1
defaults: { timeouts: { request: ${20 + (turn % 3)}s, connect: 5s } }
servers:
  one: ${stdioServer('echo')}
  two: { command: ${command}, args: ${JSON.stringify(args)} }
  spare: ${stdioServer('echo')}
  twin: ${stdioServer('echo').slice(0, -1)}, env: { TURN: "${turn}" } }
  chaos: { url: "${addresses.chaos}", transport: http }
  far: { url: "${addresses.far}", transport: http }
  modern: { url: "${addresses.modern}", transport: http }
  sse: { url: "${addresses.sse}", transport: sse }
groups:
  local: { port: ${ports.local}, servers: [one, two${extra ? ', spare' : ''}] }
  remote: { port: ${ports.remote}, servers: [chaos, far, modern, sse] }
  steady: { port: ${ports.steady}, servers: [one, modern, twin${extra ? ', spare' : ''}] }
`
}

/** What a process has of memory and descriptors. */
export interface Usage {
  /** Resident, in bytes. */
  readonly rss: number
  readonly fds: number
}

/** Undefined when the process is gone. */
export function usageOf(pid: number): Usage | undefined {
  try {
    const kib = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]
    return { rss: Number(kib) * 1024, fds: readdirSync(`/proc/${pid}/fd`).length }
  } catch {
    // It has ended in between.
    return undefined
  }
}
