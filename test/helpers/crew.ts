import { setTimeout as delay } from 'node:timers/promises'
import { type Message, messages, rawSession } from './mcp.ts'
import { headOf, requestOf, send } from './modern.ts'

/** A call that did not bring its own answer back. */
export interface Failure {
  readonly tool: string
  readonly began: number
  readonly ended: number
  /** `rpc CODE kind`, `http STATUS`, `transport CODE`, or `wrong answer`. */
  readonly how: string
  readonly message: string
}

export interface CrewOptions {
  readonly url: string
  readonly era: 'legacy' | 'modern'
  readonly callers: number
  /** Names of tools that answer with the `text` or the `said` they are given; each call takes the next one. */
  readonly tools: readonly string[]
  /** Milliseconds from an answer to the next call; 0: at once. */
  readonly pace?: number
  /** Sends this many characters with each call. */
  readonly bytes?: number
}

/** Callers in closed loops, each with a session of its own where its era has sessions, and a nonce in each call. */
export class Crew {
  readonly #options: CrewOptions
  readonly #loops: Promise<void>[]
  #isOver = false
  readonly failures: Failure[] = []
  /** Durations of the calls that succeeded, in milliseconds; the newest 20,000. */
  readonly durations: number[] = []
  succeeded = 0

  constructor(options: CrewOptions) {
    this.#options = options
    this.#loops = Array.from({ length: options.callers }, (_, index) => this.#loop(index))
  }

  /** The calls under way come to their end. */
  async stop(): Promise<this> {
    this.#isOver = true
    await Promise.all(this.#loops)
    return this
  }

  async #loop(index: number): Promise<void> {
    const call = await this.#open()
    const { tools, pace = 0 } = this.#options
    for (let count = index; !this.#isOver; count++) {
      const tool = tools[count % tools.length] ?? ''
      await this.#one(call, tool, `${index}-${count}`)
      if (pace > 0) await delay(pace)
    }
  }

  /** How this caller calls: a function of the tool and its arguments. */
  async #open(): Promise<Call> {
    const { url, era } = this.#options
    if (era === 'modern') return (name, args) => modernCall(url, name, args)
    const session = await rawSession(url)
    let id = 0
    return (name, args) =>
      session.send({ jsonrpc: '2.0', id: ++id, method: 'tools/call', params: { name, arguments: args } })
  }

  async #one(call: Call, tool: string, nonce: string): Promise<void> {
    const began = performance.now()
    const said = `<${nonce}>${'.'.repeat(this.#options.bytes ?? 0)}`
    const failed = await outcomeOf(call(tool, { text: said, said }), `<${nonce}>`)
    const ended = performance.now()
    if (failed) this.failures.push({ tool, began, ended, ...failed })
    else this.#succeeded(ended - began)
  }

  #succeeded(ms: number): void {
    this.durations[this.succeeded++ % 20_000] = ms
  }
}

type Call = (name: string, args: Record<string, unknown>) => Promise<Response>

function modernCall(url: string, name: string, args: Record<string, unknown>): Promise<Response> {
  const request = requestOf('tools/call', { name, arguments: args })
  return send(url, request, headOf(request))
}

async function outcomeOf(called: Promise<Response>, nonce: string): Promise<Pick<Failure, 'how' | 'message'> | null> {
  try {
    const response = await called
    if (response.status !== 200) return { how: `http ${response.status}`, message: await response.text() }
    return flawOf((await messages(response)).at(-1), nonce)
  } catch (error) {
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error
    return { how: `transport ${codeOf(cause)}`, message: String(cause) }
  }
}

function flawOf(message: Message | undefined, nonce: string): Pick<Failure, 'how' | 'message'> | null {
  // A stream that ended before its answer.
  if (message?.result === undefined && message?.error === undefined) return { how: 'transport cut', message: '' }
  const { error, result } = message
  if (error) return { how: `rpc ${error.code}`, message: error.message }
  return JSON.stringify(result).includes(nonce)
    ? null
    : { how: 'wrong answer', message: `${nonce}: ${JSON.stringify(result).slice(0, 200)}` }
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : error
}

/** The value below which this share of the sorted values lies. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0
}
