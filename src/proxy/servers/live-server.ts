import type { Server, Timeouts } from '../../config/profile.ts'

/**
 * A definition for a connection that may outlive it: what a new configuration of the same connection can change is
 * looked up whenever it is needed, everything else is as it was.
 */
export function liveServer(server: Server, now: () => Server): Server {
  return {
    ...server,
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
