import type { ResumableStream } from './resumable.ts'
import type { Session } from './session.ts'

/** The streams each session holds open beside its requests: its own, and answers it came back for. */
export class Standing {
  readonly #open = new WeakMap<Session, readonly ResumableStream[]>()

  /** Whether the session may have one more; `again` is a stream it comes back for, which takes no further place. */
  hasRoom(session: Session, most: number, again?: ResumableStream): boolean {
    const open = (this.#open.get(session) ?? []).filter((stream) => stream.isOpen && stream !== again)
    this.#open.set(session, open)
    return open.length < most
  }

  add(session: Session, stream: ResumableStream): void {
    this.#open.set(session, [...(this.#open.get(session) ?? []), stream])
  }
}
