import { once } from 'node:events'
import type { Server } from 'node:http'
import { within } from '../shared/async.ts'
import type { StatePaths } from '../shared/paths.ts'
import { type Lock, lock } from './lock.ts'
import { prepareStateFolder } from './state-folder.ts'

export interface DoorOptions {
  readonly paths: StatePaths
  /** A server of the control API, not listening yet. */
  readonly serve: () => Server
}

/** What happens to the door while it is open. */
export interface DoorEvents {
  /** The state folder had been deleted, and is there again. */
  reopened(): void
  /** It cannot be had again, at least not yet; a `conflict` means that another supervisor has it by now. */
  failed(error: unknown): void
}

const LOOK_MS = 2_000
const CLOSE_MS = 1_000

/**
 * The project's control socket, locked and served. Without its file nobody could ask for anything, not even for an
 * end, so it is made anew when somebody has cleaned the state folder away. Throws what `lock` throws.
 */
export class Door implements AsyncDisposable {
  readonly #options: DoorOptions
  readonly #servers: Server[]
  #lock: Lock
  #looking: NodeJS.Timeout | undefined

  private constructor(options: DoorOptions, server: Server, held: Lock) {
    this.#options = options
    this.#servers = [server]
    this.#lock = held
  }

  static async open(options: DoorOptions): Promise<Door> {
    const server = options.serve()
    return new Door(options, server, await lock(server, options.paths.socket))
  }

  /** Looks after the socket's file from now on. */
  watch(events: DoorEvents): void {
    this.#looking = setTimeout(async () => {
      if (!this.#lock.isHeld) await this.#reopen(events)
      if (this.#looking) this.watch(events)
    }, LOOK_MS)
  }

  /** Lets another supervisor have the project; who is connected already is still answered. */
  release(): void {
    clearTimeout(this.#looking)
    this.#looking = undefined
    this.#lock[Symbol.dispose]()
  }

  /** Answers that are under way are finished, streams end by themselves, and nothing waits longer than a second. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.release()
    const closed = this.#servers.map((server) => once(server.close(), 'close'))
    await within(CLOSE_MS, Promise.all(closed), undefined)
    for (const server of this.#servers) server.closeAllConnections()
  }

  async #reopen(events: DoorEvents): Promise<void> {
    const { paths, serve } = this.#options
    try {
      prepareStateFolder(paths)
      const server = serve()
      this.#lock = await lock(server, paths.socket)
      this.#servers.push(server)
      events.reopened()
    } catch (error) {
      events.failed(error)
    }
  }
}
