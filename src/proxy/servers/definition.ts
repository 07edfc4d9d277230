import { createHash } from 'node:crypto'
import type { Server } from '../../config/profile.ts'
import { canonical } from '../../shared/canonical.ts'

/**
 * The part of a server's configuration its connection is made of, in canonical form. Two servers with an equal one can
 * share a connection, whatever their filters, names, prefixes and deadlines are: those are applied on this side.
 */
export function definitionOf(server: Server): string {
  const { required: _r, prefix: _p, tools: _t, resources: _e, prompts: _m, ...others } = server
  const { exclusive: _x, integrity: _i, onNew: _n, pins: _l, timeouts, ...definition } = others
  return canonical({ ...definition, idle: timeouts.idle })
}

/** Whether another configuration of the server needs no other connection. */
export function isSameConnection(one: Server, other: Server): boolean {
  return definitionOf(one) === definitionOf(other)
}

/**
 * The key of what is remembered of a server: equal where it is the same server, asked with the same credentials in the
 * same manner, under whichever name. Nothing can be read from it.
 */
export function memoryKeyOf({ transport, protocol }: Server): string {
  return createHash('sha256').update(canonical({ transport, protocol })).digest('hex')
}
