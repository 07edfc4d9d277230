import type { Env } from '../src/shared/paths.ts'
import type { Flags } from './flags.ts'

/** What a command may know of the process it runs in. `main.ts` makes it; nothing else touches `process`. */
export interface Surroundings {
  readonly env: Env
  readonly cwd: string
  /** Of mcpctl. */
  readonly version: string
  /** The Node binary, for the supervisor that `up -d` starts. */
  readonly execPath: string
  /** The answer, and nothing else. */
  readonly stdout: Stream
  /** Progress, notes, warnings, errors. */
  readonly stderr: Stream
  /** Calls the listener on a signal, in place of exiting (130 after Ctrl-C), until it is disposed. */
  onSignal(listener: (signal: Signal) => void): Disposable
}

export type Signal = 'SIGINT' | 'SIGTERM' | 'SIGHUP'

export interface Stream {
  write(chunk: string | Uint8Array): unknown
  readonly isTTY?: boolean | undefined
  readonly columns?: number | undefined
  readonly rows?: number | undefined
}

export interface Context extends Surroundings {
  readonly flags: Flags
}

/** A build machine reads this, not a person: no spinner, no colour, no watching. */
export function isCi(env: Env): boolean {
  return Boolean(env.CI) && env.CI !== 'false' && env.CI !== '0'
}
