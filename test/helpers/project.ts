import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import type { GroupStatus, Status } from '../../src/control/protocol.ts'
import { packageFolder } from '../../src/shared/paths.ts'
import { cli, startCli } from './cli.ts'
import { fixturePath } from './fixture.ts'
import { freePort } from './ports.ts'
import { markedProcesses } from './processes.ts'
import { type TempFolder, tempFolder } from './temp.ts'
import { waitFor } from './wait.ts'

type Extra = Readonly<Record<string, string>>

/** A project folder with a profile set of its own, driven through the built bin as a person would. */
export interface Project extends AsyncDisposable {
  readonly folder: string
  readonly temp: TempFolder
  /** Runs a command to its end. */
  run(args: readonly string[], env?: Extra): ReturnType<typeof cli>
  /** Runs a command and fails, with what it printed, unless it exits 0. */
  ok(args: readonly string[], env?: Extra): ReturnType<typeof cli>
  /** Starts a command that stays, such as a foreground `up`. */
  start(args: readonly string[], env?: Extra): ReturnType<typeof startCli>
  status(): Promise<Status>
  group(name: string): Promise<GroupStatus>
  /** Replaces a part of a file, in place, as an editor's save would. */
  edit(file: string, from: string | RegExp, to: string): Promise<void>
}

/**
 * Makes a project of `files`. Disposal brings it down, then fails when a process it started is still there: nothing
 * may survive a test.
 */
export async function makeProject(files: Readonly<Record<string, string>>): Promise<Project> {
  const temp = await tempFolder()
  await temp.write(files)
  return projectIn(temp.path, temp)
}

/** The shipped example set itself, with its state in a temp folder. */
export async function exampleSet(): Promise<Project> {
  return projectIn(packageFolder(), await tempFolder())
}

function projectIn(folder: string, temp: TempFolder): Project {
  const home = join(temp.path, '.state')
  const own = { HOME: temp.path, MCPCTL_HOME: home, TMPDIR: temp.path }
  const options = (env: Extra = {}) => ({ cwd: folder, env: { ...own, ...env } })
  const project: Project = {
    folder,
    temp,
    run: (args, env) => cli(args, options(env)),
    start: (args, env) => startCli(args, options(env)),
    async ok(args, env) {
      const result = await cli(args, options(env))
      if (result.exitCode === 0) return result
      throw new Error(`mcpctl ${args.join(' ')} exited with ${result.exitCode}\n${result.stdout}\n${result.stderr}`)
    },
    async status() {
      return JSON.parse((await project.ok(['status', '--json'])).stdout)
    },
    async group(name) {
      const found = (await project.status()).groups.find((group) => group.name === name)
      if (!found) throw new Error(`no group ${name} in status`)
      return found
    },
    async edit(file, from, to) {
      const text = await readFile(join(folder, file), 'utf8')
      const edited = text.replace(from, to)
      if (edited === text) throw new Error(`${file} holds no ${from}`)
      await writeFile(join(folder, file), edited)
    },
    async [Symbol.asyncDispose]() {
      await cli(['down'], options())
      const left = await waitFor(() => (markedProcesses(home).length === 0 ? ['none'] : null), 5_000).catch(() => null)
      const survivors = left ? [] : markedProcesses(home)
      for (const { pid } of survivors) process.kill(pid, 'SIGKILL')
      await temp[Symbol.asyncDispose]()
      if (survivors.length > 0) throw new Error(`left behind: ${survivors.map(({ command }) => command).join(', ')}`)
    },
  }
  return project
}

/** One server entry for a profile: a fixture server over stdio. */
export function stdioServer(name: string, args: readonly string[] = []): string {
  return `{ command: ${process.execPath}, args: ${JSON.stringify([fixturePath(name), ...args])} }`
}

/** An offset that puts the shipped ports 7611-7613 onto free ones. */
export async function freeOffset(): Promise<number> {
  return (await freePort()) - 7611
}

/** A connected client of the SDK's 1.x line. */
export async function connect(url: string, capabilities = {}): Promise<Client & AsyncDisposable> {
  const client = new Client({ name: 'test', version: '1.0.0' }, { capabilities })
  await client.connect(new StreamableHTTPClientTransport(new URL(url)) as never)
  return Object.assign(client, { [Symbol.asyncDispose]: () => client.close() })
}
