import type { Server } from 'node:http'
import type { Socket } from 'node:net'
import type { Session } from '../downstream/session.ts'
import type { RpcMessage } from '../mcp/rpc.ts'
import type { Estate } from './estate.ts'
import type { Predecessor } from './predecessor.ts'
import type { Successor } from './successor.ts'
import type { Wishes, Word } from './word.ts'

export interface GenerationsOptions {
  /** Says something to another generation; a connection goes with it as Node's own handle. */
  readonly say: (word: Word, handle?: object) => void
  readonly estate: () => Estate
  /** A connection that another process had may carry the next request. */
  readonly freed: (socket: Socket) => void
  /** The servers, with their connections. */
  readonly listeners: () => readonly { readonly server: Server; readonly sockets: Iterable<Socket> }[]
}

/** The generations before and after this process, as far as there are any: mostly there are none. */
export class Generations {
  readonly #options: GenerationsOptions
  #predecessor: Promise<Predecessor> | undefined
  #successor: Promise<Successor> | undefined

  constructor(options: GenerationsOptions) {
    this.#options = options
  }

  /** Resolves when this process may take the place of the one before it: its servers have settled, or that one is gone. */
  async succeed(): Promise<void> {
    this.#predecessor = this.#loadPredecessor()
    const predecessor = await this.#predecessor
    await Promise.race([this.#options.estate().settled(), predecessor.gone])
    await predecessor.prepare()
  }

  /**
   * Hands over every stream that stands, until `until` aborts or nobody is there any more, then calls `ended`. Resolves
   * as soon as those of now are handed over.
   */
  async handOver(until: AbortSignal, ended: () => void): Promise<void> {
    this.#successor ??= this.#loadSuccessor()
    const successor = await this.#successor
    void successor.handOver(until).then(ended)
    await successor.handedOver
  }

  async take(word: Word, handle: unknown): Promise<void> {
    if (word.to === 'successor') return (await this.#predecessor)?.take(word, handle)
    this.#successor ??= this.#loadSuccessor()
    ;(await this.#successor).take(word)
  }

  /** A session wants something else than before. */
  readonly wished = (session: Session, wishes: Wishes): void => {
    void this.#successor?.then((successor) => successor.wished(session, wishes))
  }

  /** A session was deleted: its id must open nothing in the next generation either. */
  readonly deleted = (session: Session): void => {
    void this.#successor?.then((successor) => successor.deleted(session))
  }

  /** A client said something that nobody waits for here. */
  readonly elsewhere = (session: Session, message: RpcMessage): void => {
    void this.#predecessor?.then((predecessor) => predecessor.heard(session, message))
  }

  async #loadPredecessor(): Promise<Predecessor> {
    const { Predecessor } = await import('./predecessor.ts')
    const { say, estate, freed } = this.#options
    return new Predecessor({ say, estate: estate(), freed })
  }

  async #loadSuccessor(): Promise<Successor> {
    const [{ Successor }, { releaseIdle }] = await Promise.all([import('./successor.ts'), import('./idle.ts')])
    const { say, estate, listeners } = this.#options
    const idle = () => listeners().flatMap(({ server, sockets }) => releaseIdle(server, sockets))
    return new Successor({ say, estate: estate(), idle })
  }
}
