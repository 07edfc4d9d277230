import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type Report, Reporter, type ReportNews } from '../../src/proxy/report.ts'
import type { ServerStatus } from '../../src/shared/status.ts'
import { type ProxyStatus, updated } from '../../src/supervisor/proxy-status.ts'

function status(name: string, fields: Partial<ServerStatus> = {}): ServerStatus {
  const counts = { tools: 0, resources: 0, prompts: 0, restarts: 0 }
  return { name, state: 'ready', transport: 'http', pid: null, protocol: null, ...counts, lastError: null, ...fields }
}

function reportOf(servers: readonly ServerStatus[], generation = 1): Report {
  return { generation, state: 'ready', catalog: { epoch: 'same' }, servers }
}

/** What a reporter sends for these reports, one after the other. */
function told(...reports: readonly Report[]): readonly ReportNews[] {
  const news: ReportNews[] = []
  const rest = [...reports]
  using reporter = new Reporter(
    () => rest.shift() ?? reportOf([]),
    (one) => void news.push(one),
  )
  for (const _ of reports) reporter.flush()
  return news
}

test('tells of a thousand servers the one that changed', () => {
  const servers = Array.from({ length: 1000 }, (_, at) => status(`s${at}`))
  const later = servers.map((server) => (server.name === 's7' ? { ...server, tools: 1 } : { ...server }))
  const [first, second] = told(reportOf(servers), reportOf(later))
  expect(first?.servers).toHaveLength(1000)
  expect(second).toEqual(reportOf([status('s7', { tools: 1 })]))
})

test('what was told piece by piece is the whole, whatever came, went, changed or moved', () => {
  const server = fc.record({
    name: fc.constantFrom('a', 'b', 'c', 'd'),
    tools: fc.nat(1),
    pid: fc.constantFrom(null, 1),
  })
  const servers = fc.uniqueArray(server, { selector: ({ name }) => name })
  fc.assert(
    fc.property(fc.array(servers), (states) => {
      const reports = states.map((some, generation) => {
        const all = some.map(({ name, ...fields }) => status(name, fields))
        return reportOf(all, generation)
      })
      let known: ProxyStatus | undefined
      for (const news of told(...reports)) known = updated(known, { type: 'status', ...news })
      expect(known && { ...known }).toEqual(reports.at(-1) && { type: 'status', ...reports.at(-1) })
    }),
  )
})
