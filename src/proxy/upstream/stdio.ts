import { defer, within } from '../../shared/async.ts'
import type { Log } from '../../shared/log.ts'
import { lineOf } from '../mcp/arguments.ts'
import type { RpcMessage } from '../mcp/rpc.ts'
import { whole } from '../mcp/text.ts'
import { parseMessage } from '../mcp/verbatim.ts'
import { type FailureDetail, LinkFailure } from './failure.ts'
import { LineFramer } from './framer.ts'
import { type Link, type LinkEvents, MAX_MESSAGE_BYTES } from './link.ts'
import { type Stages, stopGroup } from './process-group.ts'
import { type Program, type ProgramOptions, startProgram } from './program.ts'
import { Stderr } from './stderr.ts'

/** So much output without one message among it is not an MCP server; nor is a line so long. */
const MAX_NOISE_BYTES = 1024 * 1024
const MAX_LINE_BYTES = 4 * MAX_MESSAGE_BYTES
/** How long the end of the pipe and the exit of the process wait for each other. */
const SETTLE_MS = 50
const LOGGED_NOISE_LINES = 20
/** Characters of stderr in the report of an unexpected end. */
const LAST_WORDS = 2000
/** What may wait for a server that does not read. */
const MAX_UNSENT_BYTES = 4 * MAX_MESSAGE_BYTES

export interface StdioOptions extends ProgramOptions {
  readonly stages: Stages
  readonly log: Log
  /** Takes what it writes to stderr. */
  readonly output: Log
  readonly events: LinkEvents
}

/** Starts the server's process. Rejects with LinkFailure when there is no such program or it may not be run. */
export async function openStdio(options: StdioOptions): Promise<Link> {
  return new StdioLink(await startProgram(options), options)
}

/** A server on the pipes of a process that we started: the process group lives exactly as long as the link. */
class StdioLink implements Link {
  readonly transport = 'stdio'
  readonly pid: number
  readonly #program: Program
  readonly #options: StdioOptions
  readonly #stderr: Stderr
  readonly #framer: LineFramer
  /** Why the link ended. */
  readonly #fate = defer<LinkFailure>()
  #noiseBytes = 0
  #noiseLines = 0
  #over = false
  #closed: Promise<void> | undefined

  constructor(program: Program, options: StdioOptions) {
    this.pid = program.pid
    this.#program = program
    this.#options = options
    this.#framer = new LineFramer(MAX_MESSAGE_BYTES, {
      line: (text) => this.#line(text),
      oversized: ({ head, tail }) => this.#oversized(head, tail),
    })
    this.#stderr = new Stderr(program.stderr, options.output)
    this.#watch()
  }

  async send(message: RpcMessage): Promise<void> {
    const line = `${whole(lineOf(message))}\n`
    if (this.#over) throw await this.#fate.promise
    if (this.#program.stdin.writableLength + line.length > MAX_UNSENT_BYTES)
      throw new LinkFailure('unreachable', 'the process does not read its stdin')
    const error = await new Promise<unknown>((done) => this.#program.stdin.write(line, done))
    // A pipe breaks a moment before the exit is known, which says more.
    if (error) throw await within(2 * SETTLE_MS, this.#fate.promise, new LinkFailure('ended', 'the process is gone'))
  }

  agreed(): void {}

  async listen(): Promise<void> {}

  close(): Promise<void> {
    this.#over = true
    this.#fate.resolve(new LinkFailure('ended', 'the connection was closed'))
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
    this.#program.process.once('exit', (code, signal) =>
      exited.resolve(`the process ended with ${signal ?? `exit code ${code}`}`),
    )
    this.#program.process.on('error', (error) => exited.resolve(`the process failed: ${error.message}`))
    this.#program.stdin.on('error', () => drained.resolve('the process closed its stdin'))
    this.#program.stdout.on('error', () => drained.resolve('reading from the process failed'))
    this.#program.stdout.on('data', (chunk: Buffer) => this.#take(chunk))
    this.#program.stdout.once('end', () => drained.resolve('the process closed its stdout'))
    void this.#mourn(exited.promise, drained.promise)
  }

  /** What was written before an exit is still delivered, and an exit says more than the pipe that broke with it. */
  async #mourn(exited: Promise<string>, drained: Promise<string>): Promise<void> {
    const first = await Promise.race([exited, drained])
    const reason = await within(SETTLE_MS, exited, first)
    await within(SETTLE_MS, drained, '')
    this.#lose(new LinkFailure('ended', reason, this.#lastWords()))
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

  /** What the server said last usually is the reason; it belongs into the log alone, not into an answer to a client. */
  #lastWords(): FailureDetail {
    const stderr = this.#stderr.tail.slice(-LAST_WORDS).trim()
    if (this.#over || stderr === '') return {}
    this.#options.log.warn('last words of the server', { stderr })
    return { hint: 'the log has its last words' }
  }

  #lose(failure: LinkFailure): void {
    if (this.#over) return
    this.#over = true
    this.#fate.resolve(failure)
    this.#options.events.lost(failure)
    void this.close()
  }

  async #stop(): Promise<void> {
    this.#program.stdin.end()
    const gone = await stopGroup(this.pid, this.#options.stages)
    if (!gone) this.#options.log.error('server process does not end', { pid: this.pid })
    this.#program.stdin.destroy()
    this.#program.stdout.destroy()
    this.#program.stderr.destroy()
    this.#program.process.unref()
  }
}

/** Undefined for what is not a JSON object or array: servers print banners, npm prints warnings. */
function parse(text: string): unknown {
  const first = text.trimStart()[0]
  if (first !== '{' && first !== '[') return undefined
  try {
    return parseMessage(text)
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
