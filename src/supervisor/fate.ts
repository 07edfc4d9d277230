import { EXIT } from '../proxy/protocol.ts'

/**
 * What the end of a proxy says about the next one: after a `crash` it is started again and the crash is held against it,
 * after something `temporary` the same without that, and when it is `hopeless` something has to change first.
 */
export type Fate = 'crash' | 'temporary' | 'hopeless'

/** Also a clean exit is a crash: nobody asked for it. */
export function fateOfExit(code: number | null): Fate {
  if (code === EXIT.temporary) return 'temporary'
  return code === EXIT.hopeless ? 'hopeless' : 'crash'
}

/** Of a process that could not be started: the system is short of something, or there is no program. */
export function fateOfSpawn(error: Error): Fate {
  return 'code' in error && shortages.has(String(error.code)) ? 'temporary' : 'crash'
}

const shortages = new Set(['EAGAIN', 'EMFILE', 'ENFILE', 'ENOMEM'])
