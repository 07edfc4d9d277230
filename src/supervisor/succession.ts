import type { Word } from '../proxy/protocol.ts'
import type { Child } from './child.ts'
import type { SocketHandle } from './sockets.ts'

/**
 * Who takes whose place: carries what two generations of a group's proxy say to each other, connections included. It
 * only passes them on and reads nothing of them.
 */
export class Succession {
  readonly #successors = new Map<Child, Child>()

  /** From now on the two can talk. Whoever was to come before `next` does not count any more. */
  begin(child: Child, next: Child): void {
    this.#successors.set(child, next)
  }

  /** What goes to nobody is dropped, and its connection with it. */
  pass(from: Child, word: Word, handle: SocketHandle | undefined): void {
    const to = word.to === 'successor' ? this.#successors.get(from) : this.#predecessorOf(from)
    const passed = to ? to.pass(word, handle) : Promise.resolve()
    // Ours is a copy: the connection stays open while anybody else has one.
    void passed.finally(() => handle?.close())
  }

  /** The process has ended: who talked with it is told. */
  ended(child: Child): void {
    void this.#successors.get(child)?.pass({ to: 'successor', is: 'gone' })
    void this.#predecessorOf(child)?.pass({ to: 'predecessor', is: 'gone' })
    this.#successors.delete(child)
    for (const [old, next] of this.#successors) if (next === child) this.#successors.delete(old)
  }

  #predecessorOf(child: Child): Child | undefined {
    for (const [old, next] of this.#successors) if (next === child) return old
    return undefined
  }
}
