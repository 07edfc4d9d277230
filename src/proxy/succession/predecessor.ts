import { Socket } from 'node:net'
import { defer, within } from '../../shared/async.ts'
import type { Session } from '../downstream/session.ts'
import { type Expected, farewell } from '../downstream/standee.ts'
import type { RpcMessage } from '../mcp/rpc.ts'
import { ContinuedResponse } from './continued.ts'
import type { Estate } from './estate.ts'
import type { Coming, StandingStream, ToSuccessor, Word } from './word.ts'

export interface PredecessorOptions {
  readonly say: (word: Word) => void
  readonly estate: Estate
  /** The response that was begun there is complete: its connection may carry the next request. */
  readonly freed: (socket: Socket) => void
}

/** How long the old proxy may take to say what will come; one that hangs holds nobody up for longer. */
const ANSWER_MS = 1_000
/** How long servers may take to hear what the sessions that come want of them. */
const ARRANGE_MS = 3_000

/** The proxy whose place this one takes, as seen from here. */
export class Predecessor {
  readonly #options: PredecessorOptions
  readonly #expected = new Map<number, Promise<Expected | undefined>>()
  readonly #announced = defer<readonly Coming[]>()
  readonly #gone = defer<void>()
  #isGone = false

  constructor(options: PredecessorOptions) {
    this.#options = options
  }

  /** Resolves when that process has ended. */
  get gone(): Promise<void> {
    return this.#gone.promise
  }

  /** Resolves when all that is wanted on the streams that will come is arranged for. */
  async prepare(): Promise<void> {
    this.#options.say({ to: 'predecessor', is: 'ready' })
    const coming = await within(ANSWER_MS, this.#announced.promise, [])
    const arranged = coming.map(({ key, stream }) => this.#expect(key, stream))
    await within(ARRANGE_MS, Promise.all(arranged), undefined)
  }

  take(word: ToSuccessor, handle: unknown): void {
    switch (word.is) {
      case 'coming':
        this.#options.estate.sessions.learn(word.deleted)
        this.#announced.resolve(word.streams)
        break
      case 'stream':
        void this.#adopt(word, handle)
        break
      case 'connection':
        this.#take(word, handle)
        break
      case 'said':
        this.#said(word)
        break
      case 'deleted':
        this.#options.estate.sessions.learn([word.sid])
        break
      case 'wishes':
        void this.#wishes(word)
        break
      case 'gone':
        void this.#left()
        break
      default:
        word satisfies never
    }
  }

  /** A client said something that nobody waits for here: maybe somebody there does. */
  heard(session: Session, message: RpcMessage): void {
    if (!this.#isGone) this.#options.say({ to: 'predecessor', is: 'heard', session: session.id, message })
  }

  #expect(key: number, stream: StandingStream): Promise<Expected | undefined> {
    const expected = this.#expected.get(key) ?? this.#arrange(stream)
    this.#expected.set(key, expected)
    return expected
  }

  /** Undefined where its session cannot go on here. */
  async #arrange(stream: StandingStream): Promise<Expected | undefined> {
    if (stream.kind === 'listen') return this.#options.estate.listens.expect(stream)
    const session = stream.session === undefined ? undefined : this.#options.estate.sessions.find(stream.session)
    if (session === 'full' || (stream.session !== undefined && !session)) return undefined
    const { sessionStreams, conversations, arrange } = this.#options.estate
    const expected =
      stream.kind === 'conversation'
        ? conversations.expect(stream, session)
        : session && sessionStreams.expect(session, stream)
    if (session) await within(ARRANGE_MS, arrange(session, stream.wishes), undefined)
    return expected
  }

  async #adopt({ key, isChunked, epoch, stream }: Extract<ToSuccessor, { is: 'stream' }>, handle: unknown) {
    const { freed, say, estate } = this.#options
    const outgoing = isHandle(handle)
      ? new ContinuedResponse({ socket: socketOf(handle), isChunked, freed })
      : undefined
    say({ to: 'predecessor', is: 'taken', key })
    const expected = await this.#expect(key, stream)
    this.#expected.delete(key)
    if (!expected) return farewell(outgoing)
    // Its client may have left while servers were told what it wants.
    const listener = expected.adopt(stream, outgoing?.destroyed === true ? undefined : outgoing)
    if (listener && epoch !== estate.epoch()) estate.told(listener)
  }

  #take({ key }: Extract<ToSuccessor, { is: 'connection' }>, handle: unknown): void {
    if (isHandle(handle)) this.#options.freed(socketOf(handle))
    this.#options.say({ to: 'predecessor', is: 'taken', key })
  }

  async #wishes({ session: id, wishes }: Extract<ToSuccessor, { is: 'wishes' }>): Promise<void> {
    const session = this.#options.estate.sessions.find(id)
    if (session && session !== 'full') await this.#options.estate.arrange(session, wishes)
  }

  #said({ session: id, body }: Extract<ToSuccessor, { is: 'said' }>): void {
    const session = this.#options.estate.sessions.find(id)
    if (session && session !== 'full') session.deliver(body)
  }

  async #left(): Promise<void> {
    this.#isGone = true
    this.#gone.resolve()
    this.#announced.resolve([])
    const left = [...this.#expected.values()]
    this.#expected.clear()
    for (const expected of left) (await expected)?.dismiss()
  }
}

function isHandle(value: unknown): value is object {
  return typeof value === 'object' && value !== null
}

/** The types lack the handle, which is how Node itself makes the sockets of a server. */
function socketOf(handle: object): Socket {
  return new Socket({ handle } as ConstructorParameters<typeof Socket>[0])
}
