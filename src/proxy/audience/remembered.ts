import { within } from '../../shared/async.ts'
import type { Session } from '../downstream/session.ts'
import type { Level } from '../mcp/levels.ts'
import type { Params, RpcResponse } from '../mcp/rpc.ts'
import type { Subscribed, Wishes } from '../succession/word.ts'
import type { Memory } from './memory.ts'
import type { Subscriptions, Wish } from './subscriptions.ts'
import type { Verbosity } from './verbosity.ts'

export interface RememberedOptions {
  readonly memory: Memory
  readonly subscriptions: Subscriptions
  readonly verbosity: Verbosity
}

/** The wish of a session. */
export interface SessionWish extends Wish {
  readonly listener: Session
}

/** A disk that hangs must not hold up who asks for something. */
const KEEP_MS = 1000

/** What sessions want of servers beside answers, so that it outlives the process: in effect first, then remembered. */
export class Remembered {
  readonly #options: RememberedOptions

  constructor(options: RememberedOptions) {
    this.#options = options
  }

  async subscribe(wish: SessionWish, params: Params): Promise<RpcResponse> {
    const { subscriptions, memory } = this.#options
    const response = await subscriptions.subscribe(wish, params)
    if (response.error === undefined) await kept(memory.subscribed(wish.listener, wish))
    return response
  }

  async unsubscribe(wish: SessionWish): Promise<RpcResponse> {
    const { subscriptions, memory } = this.#options
    const response = await subscriptions.unsubscribe(wish)
    await kept(memory.unsubscribed(wish.listener, wish))
    return response
  }

  async setLevel(session: Session, level: Level): Promise<void> {
    const { verbosity, memory } = this.#options
    await verbosity.set(session, level)
    await kept(memory.keep(session))
  }

  /** Another process had the session: its servers are told what it wants. Resolves when they have heard, never rejects. */
  async arrange(session: Session, wishes: Wishes): Promise<void> {
    const { memory, subscriptions, verbosity } = this.#options
    const before = memory.wishesOf(session).subscriptions
    memory.adopt(session, wishes)
    for (const one of before)
      if (!isAmong(one, wishes.subscriptions)) subscriptions.forget({ ...one, listener: session })
    const again = wishes.subscriptions.map((one) => subscriptions.subscribe({ ...one, listener: session }, {}))
    await Promise.allSettled([...again, wishes.level === undefined ? undefined : verbosity.spread()])
  }

  /** It comes back to memory, maybe from a process that was killed. */
  reopened(session: Session): void {
    const wishes = this.#options.memory.recall(session)
    if (wishes) void this.arrange(session, wishes)
  }
}

async function kept(written: Promise<void>): Promise<void> {
  await within(KEEP_MS, written, undefined)
}

function isAmong({ server, own }: Subscribed, all: readonly Subscribed[]): boolean {
  return all.some((one) => one.server === server && one.own === own)
}
