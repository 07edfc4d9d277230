import { type ChildProcess, spawn } from 'node:child_process'
import { LIFE } from '../shared/marker.ts'
import type { HeldSocket } from './sockets.ts'

export interface Launch {
  /** The proxy's entry file. */
  readonly file: string
  readonly env: Readonly<Record<string, string>>
  /** Names this one process. */
  readonly life: string
  readonly socket: HeldSocket
}

/** Starts a proxy process: stdin stays closed, output is piped, the group's socket is the proxy's `LISTEN_FD`. */
export function launch({ file, env, life, socket }: Launch): ChildProcess {
  return spawn(process.execPath, [file], {
    stdio: ['ignore', 'pipe', 'pipe', 'ipc', socket.fd ?? 'ignore'],
    serialization: 'advanced',
    env: { ...env, [LIFE]: life },
    // A process group of its own: Ctrl-C in the terminal must drain it, not end it; it is ended in stages, by `stop`.
    detached: true,
  })
}
