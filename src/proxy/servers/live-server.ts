import type { Server, Timeouts } from '../../config/profile.ts'

/**
 * A definition for a connection that may outlive it: what a new configuration of the same connection can change is
 * looked up whenever it is needed, everything else is as it was.
 */
export function liveServer(server: Server, now: () => Server): Server {
  // Left out of the spread: an object in which a value becomes a getter is slow in all its members from then on.
  const { timeouts: _t, integrity: _i, onNew: _n, pins: _p, ...rest } = server
  return {
    ...rest,
    timeouts: liveTimeouts(() => now().timeouts),
    get integrity() {
      return now().integrity
    },
    get onNew() {
      return now().onNew
    },
    get pins() {
      return now().pins
    },
  }
}

function liveTimeouts(now: () => Timeouts): Timeouts {
  return {
    get connect() {
      return now().connect
    },
    get request() {
      return now().request
    },
    get max() {
      return now().max
    },
    get idle() {
      return now().idle
    },
  }
}
