import { fileURLToPath } from 'node:url'
import { ControlClient } from '../../src/control/client.ts'
import type { Applied, GroupStatus, Status, Wish } from '../../src/control/protocol.ts'
import { type StatePaths, statePaths } from '../../src/shared/paths.ts'
import { type RunningSupervisor, type StartOptions, startSupervisor } from '../../src/supervisor/start.ts'
import { fixturePath } from '../helpers/fixture.ts'
import { type TempFolder, tempFolder } from '../helpers/temp.ts'
import { waitFor } from '../helpers/wait.ts'

const standIn = fileURLToPath(new URL('../fixtures/proxies/stand-in.mjs', import.meta.url))

/** A project folder with a supervisor in this process, whose proxies are stand-ins. */
export interface Project extends AsyncDisposable {
  readonly folder: TempFolder
  readonly paths: StatePaths
  readonly client: ControlClient
  readonly running: RunningSupervisor
  /** Writes `mcpctl.yaml` with one profile `dev` of these groups: server names by group, ports by name. A real proxy
   * finds the fixture of the server's name behind it. */
  save(groups: Groups): Promise<void>
  apply(change?: Partial<Wish>): Promise<Applied>
  /** Applies and waits until all wanted groups are ready. */
  up(change?: Partial<Wish>): Promise<void>
  wish(change?: Partial<Wish>): Wish
  status(): Promise<Status>
  group(name: string): Promise<GroupStatus>
  /** Of the group's proxy; throws when it has none. */
  pid(name: string): Promise<number>
  until(name: string, state: GroupStatus['state']): Promise<GroupStatus>
}

export interface ProjectOptions extends Partial<StartOptions> {
  /** Where the state folder is to be. */
  readonly state?: string
}

export type Groups = Readonly<Record<string, GroupSketch>>

interface GroupSketch {
  readonly port: number | 'auto'
  readonly servers?: readonly string[]
  /** As YAML. */
  readonly limits?: string
}

export async function project(groups: Groups, { state, ...options }: ProjectOptions = {}): Promise<Project> {
  const folder = await tempFolder()
  const env = { MCPCTL_HOME: state ?? `${folder.path}/.state`, HOME: folder.path, PATH: process.env.PATH }
  const running = await startSupervisor({ folder: folder.path, env, proxyFile: standIn, ...options })
  const paths = statePaths(folder.path, env)
  const client = new ControlClient(paths.socket)
  const group = async (name: string) => {
    const found = (await client.ask('status')).groups.find((each) => each.name === name)
    if (!found) throw new Error(`no group ${name}`)
    return found
  }
  const wish = (change: Partial<Wish> = {}): Wish => ({ ...defaults, cwd: folder.path, env, ...change })
  const made: Project = {
    folder,
    paths,
    client,
    running,
    wish,
    save: async (next) => void (await folder.write({ 'mcpctl.yaml': yamlOf(next) })),
    apply: (change) => client.ask('apply', wish(change)),
    async up(change) {
      await client.ask('apply', wish(change))
      await waitFor(async () => (await client.ask('status')).state === 'ready')
    },
    status: () => client.ask('status'),
    group,
    async pid(name) {
      const { pid } = await group(name)
      if (pid === null) throw new Error(`group ${name} has no process`)
      return pid
    },
    until: (name, state) => waitFor(async () => ((await group(name)).state === state ? group(name) : undefined)),
    async [Symbol.asyncDispose]() {
      running.stop()
      await running.ended
      await folder[Symbol.asyncDispose]()
    },
  }
  await made.save(groups)
  return made
}

const defaults = { files: [], envFiles: [], profile: undefined, groups: [], portOffset: 0, watch: false } as const

function yamlOf(groups: Groups): string {
  const names = [...new Set(Object.values(groups).flatMap(({ servers = [] }) => ['calm', ...servers]))]
  return [
    'version: 1',
    'name: seed',
    'servers:',
    ...names.map((name) => `  ${name}: { command: ${process.execPath}, args: [${fixturePath(name)}] }`),
    'profiles:',
    '  dev:',
    '    groups:',
    ...Object.entries(groups).map(
      ([name, { port, servers = ['calm'], limits = '{}' }]) =>
        `      ${name}: { port: ${port}, servers: [${servers.join(', ')}], limits: ${limits} }`,
    ),
    '',
  ].join('\n')
}

/** What the proxy behind the port says of itself. */
export async function ask(port: number, path = '/'): Promise<Answer> {
  const response = await fetch(`http://127.0.0.1:${port}${path}`, { headers: { connection: 'close' } })
  return response.json() as Promise<Answer>
}

export interface Answer {
  readonly pid: number
  readonly servers: readonly string[]
  readonly isPreparing: boolean
  readonly env: Readonly<Record<string, string>>
}
