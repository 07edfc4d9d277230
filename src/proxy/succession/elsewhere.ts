import { type Text, whole } from '../mcp/text.ts'

/** A session's stream that another process writes on: what belongs to calls in flight here is sent there. */
export class ElsewhereStream {
  readonly isElsewhere = true
  readonly backlog = 0
  readonly #session: string
  readonly #say: (session: string, body: string) => boolean
  #isOpen = true

  /** `say` returns whether there is somebody to say it to. */
  constructor(session: string, say: (session: string, body: string) => boolean) {
    this.#session = session
    this.#say = say
  }

  get isOpen(): boolean {
    return this.#isOpen
  }

  send(body: Text): boolean {
    this.#isOpen &&= this.#say(this.#session, whole(body))
    return this.#isOpen
  }

  finish(body: Text): void {
    this.send(body)
  }

  /** What ends here goes on there. */
  end(): void {}
}
