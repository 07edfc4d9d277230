import { spawn } from 'node:child_process'
import type { Env } from '../shared/paths.ts'
import type { HeldSocket } from './sockets.ts'

/** Who answers in place of a proxy. */
export interface Sorry {
  /** Accepts nobody any more, answers whom it has accepted, and ends. */
  leave(): void
}

export interface SorryOptions {
  /** The program's file. */
  readonly file: string
  readonly env: Env
  readonly socket: HeldSocket
  /** Until the next start of a proxy. */
  readonly ms: number
}

/** Starts a small process on the socket: a supervisor that answered by itself would have to accept by itself as well. */
export function apologise({ file, env, socket, ms }: SorryOptions): Sorry {
  const child = spawn(process.execPath, [file, String(Math.round(ms))], {
    stdio: ['pipe', 'ignore', 'ignore', 'ignore', socket.fd ?? 'ignore'],
    env,
    detached: true,
  })
  // Without it callers wait until a proxy comes, as they do everywhere else.
  child.on('error', () => {})
  child.stdin?.on('error', () => {})
  return { leave: () => void child.stdin?.end() }
}
