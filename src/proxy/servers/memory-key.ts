import { createHash } from 'node:crypto'
import type { Server } from '../../config/profile.ts'
import { canonical } from '../../shared/canonical.ts'

/**
 * The key of what is remembered of a server: equal where it is the same server, asked with the same credentials in the
 * same manner, under whichever name. Nothing can be read from it.
 */
export function memoryKeyOf({ transport, protocol }: Server): string {
  return createHash('sha256').update(canonical({ transport, protocol })).digest('hex')
}
