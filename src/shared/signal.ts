/** What is told of an abort; the object form spares a closure. */
type Listener = (() => void) | { handleEvent(): void }

/** As much of an AbortSignal as a call needs: a real one is one. */
export interface Signal {
  readonly aborted: boolean
  readonly reason: unknown
  throwIfAborted(): void
  addEventListener(type: 'abort', listener: Listener, options?: { readonly once: boolean }): void
  removeEventListener(type: 'abort', listener: Listener): void
}

/**
 * An AbortController and its signal in one, for what begins and ends thousands of times a second: Node's are event
 * targets, and making the three of one call would take longer than routing it.
 */
export class Aborter implements Signal, Disposable {
  #aborted = false
  #reason: unknown
  #listeners: readonly Listener[] = none
  #letGo: (() => void) | undefined

  get aborted(): boolean {
    return this.#aborted
  }

  get reason(): unknown {
    return this.#reason
  }

  get signal(): Signal {
    return this
  }

  throwIfAborted(): void {
    if (this.#aborted) throw this.#reason
  }

  /** Tells the listeners, in their order; only the first time. */
  abort(reason: unknown = new DOMException('This operation was aborted', 'AbortError')): void {
    if (this.#aborted) return
    this.#aborted = true
    this.#reason = reason
    const listeners = this.#listeners
    this.#listeners = none
    for (const listener of listeners) tell(listener)
  }

  addEventListener(_type: 'abort', listener: Listener): void {
    if (!this.#aborted) this.#listeners = this.#listeners === none ? [listener] : [...this.#listeners, listener]
  }

  removeEventListener(_type: 'abort', listener: Listener): void {
    const others = this.#listeners.filter((one) => one !== listener)
    this.#listeners = others.length > 0 ? others : none
  }

  /** Aborts as soon as one of these does, for the same reason. They hold on to it until it is disposed. */
  follow(...signals: readonly Signal[]): this {
    const end = (): void => this.abort(signals.find(({ aborted }) => aborted)?.reason)
    this.#letGo = () => {
      for (const signal of signals) signal.removeEventListener('abort', end)
    }
    for (const signal of signals) signal.addEventListener('abort', end, { once: true })
    if (signals.some(({ aborted }) => aborted)) end()
    return this
  }

  [Symbol.dispose](): void {
    this.#letGo?.()
  }
}

const none: readonly Listener[] = []

function tell(listener: Listener): void {
  if (typeof listener === 'function') listener()
  else listener.handleEvent()
}
