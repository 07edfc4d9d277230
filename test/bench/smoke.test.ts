import { readdirSync } from 'node:fs'
import { beforeAll, describe, expect, test } from 'vitest'
import { processesWith } from '../helpers/processes.ts'
import { tempFolder } from '../helpers/temp.ts'
import { waitFor } from '../helpers/wait.ts'
import { bench, drawCharts, type Report } from './bench.ts'

/** A minute is what the quick form promises; a machine that runs other tests beside it needs more. */
const TIMEOUT = 240_000

/** What stays of a benchmark that has ended: processes, and files in its folder for temporary ones. */
const leftOf = (pid: number | undefined, folder: string) => [
  ...processesWith(`MCPCTL_BENCH=${pid}\0`).map(({ command }) => command),
  ...readdirSync(folder),
]

describe('the quick form', () => {
  let report: Report
  let left: readonly string[]

  beforeAll(async () => {
    await using temp = await tempFolder()
    const child = bench(['--quick', '--json', '-'], temp.path)
    const { stdout, stderr, exitCode } = await child
    expect(exitCode, stderr).toBe(0)
    report = JSON.parse(stdout)
    left = leftOf(child.pid, temp.path)
  }, TIMEOUT)

  test('takes every measure, and every answer in it is right', () => {
    expect(report).toMatchObject({ version: 1, quick: true, machine: { node: process.version } })
    expect(report.measures.filter(({ error }) => error)).toEqual([])
    const names = readdirSync(new URL('../../bench/measures/', import.meta.url)).map((file) => file.replace('.mjs', ''))
    expect(report.measures.map(({ name }) => name).toSorted()).toEqual(names.toSorted())
  })

  test('gives each figure a lasting name, a sentence, a unit and bars that an aim tightens', () => {
    const rows = report.measures.flatMap(({ rows }) => rows)
    expect(new Set(rows.map(({ id }) => id)).size).toBe(rows.length)
    for (const { id, what, value, unit, must, aim } of rows) {
      expect(id).toMatch(/^[a-z0-9-]+$/)
      expect({ what, unit }).toEqual({ what: expect.stringMatching(/.{10}/), unit: expect.any(String) })
      expect(value === null || Number.isFinite(value), `${id}: ${value}`).toBe(true)
      if (must && aim) expect(must.op === '>=' ? aim.value >= must.value : aim.value <= must.value, id).toBe(true)
    }
  })

  test('has what the charts are drawn of', () => {
    const charts = drawCharts(report)
    expect(charts.length).toBeGreaterThan(3)
    for (const { svg } of charts) expect(svg).toMatch(/^<svg [^>]*role="img"[\s\S]*mcpctl[\s\S]*<\/svg>\n$/)
  })

  test('leaves no process and no file behind', () => {
    expect(left).toEqual([])
  })
})

test(
  'stops everything it started when it is interrupted',
  async () => {
    await using temp = await tempFolder()
    const child = bench(['--only', 'memory', '--json', '-'], temp.path)
    let said = ''
    child.stderr.on('data', (chunk) => {
      said += chunk
    })
    await waitFor(() => said.includes('10,000 calls'), TIMEOUT)
    expect(leftOf(child.pid, temp.path)).not.toEqual([])
    child.kill('SIGINT')
    const { stdout, exitCode } = await child
    expect(exitCode).toBe(1)
    expect(JSON.parse(stdout).measures).toMatchObject([{ name: 'memory', rows: [], error: 'interrupted' }])
    expect(leftOf(child.pid, temp.path)).toEqual([])
  },
  TIMEOUT,
)

test.each([
  [['--only', 'nothing'], 'no measure is named nothing; there are'],
  [['--rounds', 'many'], '--rounds many is not a number of rounds'],
  [['--fast'], "Unknown option '--fast'"],
])('says what is wrong with %j, and how to ask', async (args, message) => {
  await using temp = await tempFolder()
  const { stderr, exitCode } = await bench(args, temp.path)
  expect(exitCode).toBe(2)
  expect(stderr).toContain(message)
  expect(stderr).toContain('Usage: npm run bench')
})
