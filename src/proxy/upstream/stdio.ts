import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { isAbsolute, resolve } from 'node:path'
import type { Readable, Writable } from 'node:stream'
import spawn from 'cross-spawn'
import type { StdioTransport } from '../../config/profile.ts'
import { defer, within } from '../../shared/async.ts'
import type { Log } from '../../shared/log.ts'
import type { RpcMessage } from '../rpc.ts'
import { LinkFailure } from './failure.ts'
import { LineFramer } from './framer.ts'
import { type Link, type LinkEvents, MAX_MESSAGE_BYTES } from './link.ts'
import { type Stages, stopGroup } from './process-group.ts'
import { Stderr } from './stderr.ts'

/** So much output without one message among it is not an MCP server; nor is a line so long. */
const MAX_NOISE_BYTES = 1024 * 1024
const MAX_LINE_BYTES = 4 * MAX_MESSAGE_BYTES
/** How long the end of the pipe and the exit of the process wait for each other. */
const SETTLE_MS = 50
const LOGGED_NOISE_LINES = 20
/** What may wait for a server that does not read. */
const MAX_UNSENT_BYTES = 4 * MAX_MESSAGE_BYTES

export interface StdioOptions {
  readonly transport: StdioTransport
  readonly env: Readonly<Record<string, string>>
  readonly stages: Stages
  readonly log: Log
  readonly events: LinkEvents
}

/** Starts the server's process. Rejects with LinkFailure when there is no such program or it may not be run. */
export async function openStdio(options: StdioOptions): Promise<Link> {
  const { transport, env } = options
  const child = spawn(program(transport), [...transport.args], {
    cwd: transport.cwd,
    env,
    shell: false,
    // Its own process group: a terminal's Ctrl-C does not reach it, and all it starts can be stopped with it.
    detached: process.platform !== 'win32',
    windowsHide: true,
    stdio: ['pipe', 'pipe', 'pipe'],
  })
  try {
    await once(child, 'spawn')
  } catch (error) {
    throw spawnFailure(transport, error)
  }
  return new StdioLink(child, options)
}

/** A relative path belongs to the server's folder; a bare name is looked up in its PATH. */
function program({ command, cwd }: StdioTransport): string {
  const isPath = command.includes('/') || command.includes('\\')
  return isPath && !isAbsolute(command) ? resolve(cwd, command) : command
}

function spawnFailure({ command, cwd }: StdioTransport, error: unknown): LinkFailure {
  const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown'
  if (!existsSync(cwd)) {
    const hint = 'correct "cwd"'
    return new LinkFailure('hopeless', `cannot start "${command}": no folder ${cwd}`, { hint, cause: error })
  }
  const hint = hints[code] ?? 'try the command in a shell'
  return new LinkFailure('hopeless', `cannot start "${command}": ${code}`, { hint, cause: error })
}

const hints: Readonly<Record<string, string>> = {
  ENOENT: 'install it, or write its full path in "command"',
  EACCES: 'make the file executable, or start it through its interpreter',
  ENOEXEC: 'start it through its interpreter',
}

/** A server on the pipes of a process that we started: the process group lives exactly as long as the link. */
class StdioLink implements Link {
  readonly transport = 'stdio'
  readonly pid: number
  readonly #child: ChildProcess
  readonly #stdin: Writable
  readonly #stdout: Readable
  readonly #options: StdioOptions
  readonly #framer: LineFramer
  #noiseBytes = 0
  #noiseLines = 0
  #over = false
  #closed: Promise<void> | undefined

  constructor(child: ChildProcess, options: StdioOptions) {
    const { pid, stdin, stdout, stderr } = child
    if (pid === undefined || !stdin || !stdout || !stderr) throw new LinkFailure('hopeless', 'no process to talk to')
    this.pid = pid
    this.#child = child
    this.#stdin = stdin
    this.#stdout = stdout
    this.#options = options
    this.#framer = new LineFramer(MAX_MESSAGE_BYTES, {
      line: (text) => this.#line(text),
      oversized: ({ head, tail }) => this.#oversized(head, tail),
    })
    new Stderr(stderr, options.log)
    this.#watch()
  }

  async send(message: RpcMessage): Promise<void> {
    const line = `${JSON.stringify(message)}\n`
    if (this.#over) throw new LinkFailure('ended', 'the process is gone')
    if (this.#stdin.writableLength + line.length > MAX_UNSENT_BYTES)
      throw new LinkFailure('unreachable', 'the process does not read its stdin')
    await new Promise<void>((done, failed) => {
      this.#stdin.write(line, (error) => (error ? failed(gone(error)) : done()))
    })
  }

  agreed(): void {}

  async listen(): Promise<void> {}

  close(): Promise<void> {
    this.#over = true
    this.#closed ??= this.#stop()
    return this.#closed
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  /** `exit`, not `close`: a background process that holds the pipe would keep `close` from coming. */
  #watch(): void {
    const exited = defer<string>()
    const drained = defer<string>()
    this.#child.once('exit', (code, signal) =>
      exited.resolve(`the process ended with ${signal ?? `exit code ${code}`}`),
    )
    this.#child.on('error', (error) => exited.resolve(`the process failed: ${error.message}`))
    this.#stdin.on('error', () => drained.resolve('the process closed its stdin'))
    this.#stdout.on('error', () => drained.resolve('reading from the process failed'))
    this.#stdout.on('data', (chunk: Buffer) => this.#take(chunk))
    this.#stdout.once('end', () => drained.resolve('the process closed its stdout'))
    void this.#mourn(exited.promise, drained.promise)
  }

  /** What was written before an exit is still delivered, and an exit says more than the pipe that broke with it. */
  async #mourn(exited: Promise<string>, drained: Promise<string>): Promise<void> {
    const first = await Promise.race([exited, drained])
    const reason = await within(SETTLE_MS, exited, first)
    await within(SETTLE_MS, drained, '')
    this.#lose(new LinkFailure('ended', reason))
  }

  #take(chunk: Buffer): void {
    if (this.#over) return
    this.#noiseBytes += chunk.length
    this.#framer.push(chunk)
    if (this.#noiseBytes - Math.min(this.#framer.pending, MAX_LINE_BYTES) > MAX_NOISE_BYTES)
      this.#lose(new LinkFailure('broken', 'stdout carries something else than MCP messages'))
  }

  #line(text: string): void {
    if (this.#over) return
    const value = parse(text)
    if (value === undefined) {
      this.#noise(text)
      return
    }
    this.#noiseBytes = 0
    this.#options.events.received(value, undefined)
  }

  #oversized(head: string, tail: string): void {
    if (this.#over) return
    const id = findId(head, tail)
    if (id !== undefined) this.#noiseBytes = 0
    this.#options.events.spoiled(id, 'the answer is larger than 16 MiB')
  }

  #noise(text: string): void {
    this.#noiseLines++
    if (this.#noiseLines > LOGGED_NOISE_LINES) return
    this.#options.log.warn('skipped a stdout line that is not a message', { line: text.slice(0, 200) })
  }

  #lose(failure: LinkFailure): void {
    if (this.#over) return
    this.#over = true
    this.#options.events.lost(failure)
    void this.close()
  }

  async #stop(): Promise<void> {
    this.#stdin.end()
    const gone = await stopGroup(this.pid, this.#options.stages)
    if (!gone) this.#options.log.error('server process does not end', { pid: this.pid })
    this.#stdin.destroy()
    this.#stdout.destroy()
    this.#child.stderr?.destroy()
    this.#child.unref()
  }
}

function gone(cause: Error): LinkFailure {
  return new LinkFailure('ended', 'the process does not take messages any more', { cause })
}

/** Undefined for what is not a JSON object or array: servers print banners, npm prints warnings. */
function parse(text: string): unknown {
  const first = text.trimStart()[0]
  if (first !== '{' && first !== '[') return undefined
  try {
    return JSON.parse(text)
  } catch {
    // Not a message: the caller counts it.
    return undefined
  }
}

/** The id of a response too large to read: it stands at the beginning or at the end, depending on the library. */
function findId(head: string, tail: string): number | undefined {
  const found =
    /^\{"jsonrpc":"2.0","id":(\d+)[,}]/.exec(head) ?? /^\{"id":(\d+)[,}]/.exec(head) ?? /"id":(\d+)\}\s*$/.exec(tail)
  return found ? Number(found[1]) : undefined
}
