const counted = {
  initialize: 'initializes',
  'server/discover': 'discovers',
  'tools/list': 'lists',
  'tools/call': 'calls',
}
const zero = { connections: 0, requests: 0, initializes: 0, discovers: 0, lists: 0, calls: 0 }

/**
 * Counts what reaches a server, in all and by path. A connection belongs to the path of its first request, and counts in
 * all from the moment it is there. `connectionsWhenListed` and `handshakesWhenListed`
 * are how many there were when a list was first asked for.
 */
export function createCounters() {
  let all
  let paths
  const known = new WeakSet()
  const of = (path) => {
    paths[path] ??= { ...zero }
    return paths[path]
  }
  const reset = () => {
    all = { ...zero, handshakes: 0, sessions: 0 }
    paths = {}
  }
  reset()
  return {
    reset,
    read: () => ({ ...all, paths }),
    connection: () => all.connections++,
    handshake: () => all.handshakes++,
    session: () => all.sessions++,
    request({ url, socket }) {
      all.requests++
      of(url).requests++
      if (known.has(socket)) return
      known.add(socket)
      of(url).connections++
    },
    message(url, method) {
      const name = counted[method]
      if (name === undefined) return
      all[name]++
      of(url)[name]++
      if (name === 'lists') {
        all.connectionsWhenListed ??= all.connections
        all.handshakesWhenListed ??= all.handshakes
      }
    },
  }
}
