import { canonical } from '../shared/canonical.ts'
import type { Server } from './profile.ts'

/** Whether another configuration of the server needs no other connection. */
export function isSameConnection(one: Server, other: Server): boolean {
  return definitionOf(one) === definitionOf(other)
}

/**
 * The part of a server's configuration its connection is made of, in canonical form. Two servers with an equal one can
 * share a connection, whatever their filters, names, prefixes and deadlines are: those are applied on this side.
 */
function definitionOf(server: Server): string {
  const { required: _r, prefix: _p, tools: _t, resources: _e, prompts: _m, ...others } = server
  const { exclusive: _x, integrity: _i, onNew: _n, pins: _l, timeouts, ...definition } = others
  return canonical({ ...definition, idle: timeouts.idle })
}
