import type { Env } from '../shared/paths.ts'

export interface StartOptions {
  /** The project folder; its state folder's control socket is the lock. */
  readonly folder: string
  /** Only for finding the state folder; profiles are resolved with the environment of each apply. */
  readonly env: Env
}

export interface RunningSupervisor {
  /** Resolves when everything has ended, with what had to be killed. */
  readonly ended: Promise<{ readonly killed: readonly number[] }>
  /** Begins the orderly shutdown; a second call forces it. */
  stop(): void
}

/** Binds the control socket and serves it. Throws McpctlError `conflict` naming the pid when another one has it. */
export async function startSupervisor(_options: StartOptions): Promise<RunningSupervisor> {
  throw new Error('start')
}
