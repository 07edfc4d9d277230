// What is measured: which client era meets which server era, with the proxy in between.

/** Suites against a fixture server. `fixture` is also the yardstick, but where a suite meets a server of the other era. */
const servers = {
  legacy: { fixture: 'legacy', suites: ['0.1.16', '2025-11-25'] },
  modern: { fixture: 'modern', suites: ['2026-07-28'] },
  dual: { fixture: 'dual', suites: ['0.1.16', '2025-11-25', '2026-07-28'] },
  'legacy-over-modern': { fixture: 'modern', yardstick: 'legacy', suites: ['2025-11-25'] },
  'modern-over-legacy': { fixture: 'legacy', yardstick: 'modern', suites: ['2026-07-28'] },
}

/** Clients behind the proxy, against the mock servers of the client scenarios. */
const clients = { 'client-legacy': { revision: '2025-11-25' }, 'client-modern': { revision: '2026-07-28' } }

export const cells = { ...servers, ...clients }
