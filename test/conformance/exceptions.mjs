// The checks that cannot pass through the proxy, each with the sentence of the specification that makes it so. An entry
// that nothing needs fails the run, as a check does that no entry excuses.
const page = 'https://modelcontextprotocol.io/specification/2026-07-28/basic'

const exceptions = [
  {
    cells: ['legacy-over-modern', 'dual'],
    scenario: 'server-sse-polling',
    checks: ['server-sse-priming-event', 'server-sse-retry-field', 'server-sse-disconnect-resume'],
    because:
      'A modern server never ends a stream before its answer, so the client has nothing to come back for. A server that ' +
      'speaks both eras is spoken to in the modern one, also for legacy clients: "The era determination is a property of ' +
      'the server, not of an individual request."',
    sentence: 'Resumable SSE streams via `Last-Event-ID` are not supported.',
    specification: `${page}/transports/streamable-http#receiving-messages`,
  },
  {
    cells: ['modern-over-legacy'],
    scenario: 'input-required-result-basic-elicitation',
    checks: ['sep-2322-elicitation-incomplete', 'sep-2322-elicitation-complete'],
    because:
      'The scenario wants the key `user_name`. A legacy server asks with a JSON-RPC request, which has an id and no key, ' +
      'so the proxy has to assign one.',
    sentence: 'Keys are server-assigned string identifiers.',
    specification: `${page}/patterns/mrtr#inputrequests`,
  },
  {
    cells: ['modern-over-legacy'],
    scenario: 'input-required-result-ignore-extra-params',
    checks: ['sep-2322-ignore-unexpected-params'],
    because:
      'The scenario answers a question by the key `user_name` that it was never asked. The legacy server asks only after ' +
      'the call has begun, under a key nobody could know before.',
    sentence: 'Keys correspond to the keys in the `InputRequests` map.',
    specification: `${page}/patterns/mrtr#inputresponses`,
  },
]

export const isExcused = (cell, lack) => exceptions.some((entry) => covers(entry, cell, lack))

const covers = ({ cells, scenario, checks }, cell, lack) =>
  cells.includes(cell) && scenario === lack.scenario && checks.includes(lack.check)

/** The entries that no run of a measured cell needed, as text; `runs` hold what was excused in each. */
export function staleExceptions(measured, runs) {
  return exceptions.flatMap((entry) =>
    entry.cells
      .filter((cell) => measured.includes(cell) && !runs.some((run) => run.cell === cell && needs(run, entry)))
      .map((cell) => `${entry.scenario} in ${cell}`),
  )
}

const needs = ({ cell, excused }, entry) => excused.some((lack) => covers(entry, cell, lack))
