import type { Signal } from './signal.ts'

/** Resolves after `ms`, or at once when the signal aborts: never rejects, for waits that end either way. */
export function pause(ms: number, signal?: Signal): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted) return resolve()
    const end = (): void => {
      clearTimeout(timer)
      signal?.removeEventListener('abort', end)
      resolve()
    }
    const timer = setTimeout(end, ms)
    signal?.addEventListener('abort', end, { once: true })
  })
}

/** Resolves with the promise's value, or with `fallback` once `ms` have passed; leaves no timer behind. */
export async function within<T, F>(ms: number, promise: Promise<T>, fallback: F): Promise<T | F> {
  const late = defer<F>()
  const timer = setTimeout(() => late.resolve(fallback), ms)
  try {
    return await Promise.race([promise, late.promise])
  } finally {
    clearTimeout(timer)
  }
}

/** Settles as the promise does, or rejects with the signal's reason as soon as that aborts; leaves no listener behind. */
export async function orAborted<T>(promise: Promise<T>, signal: Signal): Promise<T> {
  const over = defer<never>()
  const abort = (): void => over.reject(signal.reason)
  signal.addEventListener('abort', abort, { once: true })
  if (signal.aborted) abort()
  try {
    return await Promise.race([promise, over.promise])
  } finally {
    signal.removeEventListener('abort', abort)
  }
}

/** A promise with its two ends outside, for results that another event brings. */
export interface Deferred<T> {
  readonly promise: Promise<T>
  resolve(value: T): void
  reject(reason: unknown): void
}

export function defer<T>(): Deferred<T> {
  let resolve: (value: T) => void = () => {}
  let reject: (reason: unknown) => void = () => {}
  const promise = new Promise<T>((yes, no) => {
    resolve = yes
    reject = no
  })
  return { promise, resolve, reject }
}
