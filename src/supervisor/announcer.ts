import type { Applied, ControlEvent, DriftEvent, Status } from '../control/protocol.ts'
import type { Diagnostic } from '../shared/diagnostic.ts'
import { Feed } from './feed.ts'

const WAITING_LIMIT = 1_000
const COALESCE_MS = 20

/** Tells everybody who watches what happens: the newest status, coalesced, each applied or rejected configuration, and what is not as it was locked. */
export class Announcer implements Disposable {
  readonly #status: () => Status
  readonly #feed = new Feed<ControlEvent>({
    limit: WAITING_LIMIT,
    supersedes: (next, waiting) => next.type === 'status' && waiting.type === 'status',
  })
  #soon: NodeJS.Timeout | undefined

  constructor(status: () => Status) {
    this.#status = status
  }

  /** The present status first. */
  read(signal: AbortSignal): AsyncGenerator<ControlEvent> {
    return this.#feed.read(() => [{ type: 'status', status: this.#status() }], signal)
  }

  applied(applied: Applied): void {
    this.#feed.publish({ type: 'applied', applied })
  }

  drifted(drift: DriftEvent): void {
    this.#feed.publish({ type: 'drift', drift })
  }

  rejected(problems: readonly Diagnostic[]): void {
    this.#feed.publish({ type: 'rejected', problems })
    this.changed()
  }

  /** Many things change at once, and who watches needs to see the last of them only. */
  changed(): void {
    this.#soon ??= setTimeout(() => this.show(), COALESCE_MS)
  }

  /** Shows the status now, so that nobody who is answered next has seen an older one last. */
  show(): void {
    clearTimeout(this.#soon)
    this.#soon = undefined
    this.#feed.publish({ type: 'status', status: this.#status() })
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#soon)
    this.#feed.end()
  }
}
