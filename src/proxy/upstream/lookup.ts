import { lookup as systemLookup } from 'node:dns'
import type { LookupFunction } from 'node:net'

const LONGEST_MS = 5000

/**
 * Looks a host name up for one connection, which then goes to no other address than found here; fails when that takes
 * longer than 5 s, which the resolver of the system may do.
 */
export function timelyLookup(lookup: LookupFunction = systemLookup, longest: number = LONGEST_MS): LookupFunction {
  return (host, options, callback) => {
    let isOver = false
    const timer = setTimeout(() => {
      isOver = true
      callback(Object.assign(new Error('the lookup takes too long'), { code: 'ETIMEOUT' }), [])
    }, longest)
    lookup(host, options, (error, address, family) => {
      clearTimeout(timer)
      if (!isOver) callback(error, address, family)
    })
  }
}
