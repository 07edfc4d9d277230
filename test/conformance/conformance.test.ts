import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { beforeAll, expect, test } from 'vitest'
import { packageFolder } from '../../src/shared/paths.ts'

/** What `npm run conformance -- --json` prints. */
type Report =
  | { readonly skipped: string }
  | { readonly skipped?: undefined; readonly runs: readonly Run[]; readonly stale: readonly string[] }

interface Run {
  readonly cell: string
  readonly suite: string
  readonly via: 'direct' | 'group' | 'alone'
  readonly passed: number
  readonly failed: number
  readonly lacking: readonly { readonly scenario: string; readonly check: string; readonly message: string }[]
}

const cells = {
  legacy: 'legacy clients and a legacy server',
  modern: 'modern clients and a modern server',
  dual: 'clients of both eras and a server that speaks both',
  'legacy-over-modern': 'legacy clients and a modern server',
  'modern-over-legacy': 'modern clients and a legacy server',
  'client-legacy': 'a legacy client and the mock servers',
  'client-modern': 'a modern client and the mock servers',
}

let report: Report

beforeAll(async () => {
  const script = join(packageFolder(), 'scripts', 'conformance.mjs')
  // It exits with 1 when something is lacking, which the tests say better.
  const { stdout } = await promisify(execFile)(process.execPath, [script, '--json']).catch((error) => error)
  report = JSON.parse(stdout)
}, 600_000)

test.for(Object.entries(cells))('%s: passes on all that the scenarios see between %s', ([cell], { skip }) => {
  if (report.skipped !== undefined) return skip(report.skipped)
  const runs = report.runs.filter((run) => run.cell === cell)
  expect(runs.length).toBeGreaterThan(0)
  expect(runs.filter(({ via }) => via === 'direct').every(({ failed }) => failed === 0)).toBe(true)
  expect(runs.flatMap(describeLacking)).toEqual([])
})

test('measures every cell and excuses nothing that needs no excuse', ({ skip }) => {
  if (report.skipped !== undefined) return skip(report.skipped)
  expect([...new Set(report.runs.map(({ cell }) => cell))].toSorted()).toEqual(Object.keys(cells).toSorted())
  expect(report.stale).toEqual([])
})

function describeLacking({ suite, via, lacking }: Run): string[] {
  return lacking.map(({ scenario, check, message }) => `${suite} via ${via}: ${scenario} ${check}: ${message}`)
}
