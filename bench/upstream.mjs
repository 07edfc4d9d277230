import { startChild } from './processes.mjs'

/**
 * Starts a synthetic MCP server over Streamable HTTP that answers on any path: `/mcp`, and `/7/mcp` where one process
 * stands for many servers. Settings, all optional:
 *
 * - `tools`: how many it has; `echo` is the first and gives `payload` back.
 * - `answer`: `json` or `sse`, the form of its answers.
 * - `eras`: which it speaks, of `legacy` and `modern`.
 * - `stream`: whether it takes a GET for its notifications.
 * - `delays`: milliseconds, or `'never'`, by `connect` (each connection), `initialize`, `initialized`, `list`, `call` and `other`
 *   (each such request).
 * - `tls`: `{ keyFile, certFile }` makes it HTTPS; `port`: where it listens.
 *
 * Resolves with a child (see processes.mjs) and `origin`, `url`, `counters()`, `reset()` (of the counters) and
 * `configure(settings)` (what is not named stays). The counters are `connections`, `handshakes` (TLS), `sessions`, `requests`,
 * `initializes`, `discovers`, `lists`, `calls`, and `paths` with those of each path.
 */
export async function startUpstream(settings = {}) {
  const child = await startChild('children/upstream.mjs', settings)
  return {
    ...child,
    ...child.ready,
    counters: () => child.ask('counters'),
    reset: () => child.ask('reset'),
    configure: (changed) => child.ask('configure', changed),
  }
}
