import { expect, test } from 'vitest'
import { formatTable, isFarBehind, type Report, type Row, verdictOf } from './bench.ts'

const row = (fields: Partial<Row>): Row => ({ id: 'a', what: 'calls', value: 1, unit: 'x', ...fields })
const atLeast = (value: number) => ({ op: '>=', value }) as const
const atMost = (value: number) => ({ op: '<=', value }) as const

test.each([
  ['more than its aim', row({ value: 2, must: atLeast(1), aim: atLeast(2) }), 'aim'],
  ['between bar and aim', row({ value: 1.5, must: atLeast(1), aim: atLeast(2) }), 'must'],
  ['less than its bar', row({ value: 0.9, must: atLeast(1), aim: atLeast(2) }), 'missed'],
  ['less than an upper aim', row({ value: 0.9, must: atMost(1.5), aim: atMost(1) }), 'aim'],
  ['more than an upper bar', row({ value: 1.6, must: atMost(1.5), aim: atMost(1) }), 'missed'],
  ['without a bar', row({ value: 7 }), 'told'],
  ['less than its aim, without a bar', row({ value: 0.9, aim: atLeast(1) }), 'told'],
  ['that was not measured', row({ value: null, must: atLeast(1) }), 'missing'],
])('judges a figure %s', (_title, row, verdict) => {
  expect(verdictOf(row)).toBe(verdict)
})

test('prints a line for each figure, with a mark for what is good and for what was measured amid noise', () => {
  const rows = [
    row({ what: 'calls', value: 0.9123, must: atLeast(0.85), aim: atLeast(1), foreign: 0.01 }),
    row({ what: 'lists', value: 12_345.6, unit: '/s', foreign: 0.4 }),
    row({ what: 'other', value: null, unit: '' }),
  ]
  const report: Report = { version: 1, quick: false, measures: [{ name: 'one', title: 'One', rows }] }
  expect(formatTable(report).split('\n')).toEqual([
    '| measure | measured  | must     | aim   |     |',
    '| ------- | --------- | -------- | ----- | --- |',
    '| calls   | 0.912 x   | ≥ 0.85 x | ≥ 1 x | +   |',
    '| lists   | 12,346 /s |          |       |  ~  |',
    '| other   | –         |          |       |     |',
  ])
})

test('prints in one line why a measure has no figures', () => {
  const measures = [{ name: 'one', title: 'One', rows: [], error: 'it broke\nat once' }]
  expect(formatTable({ version: 1, quick: false, measures })).toContain('| one: failed: it broke | ')
})

test.each([
  ['both are far behind', 1.7, 0.5, true],
  ['only the CPU is', 1.7, 0.9, false],
  ['only the throughput is', 1.2, 0.5, false],
  ['neither is', 1, 1, false],
])('closes the gate when %s: %s', (_title, cpu, rate, isClosed) => {
  expect(isFarBehind([row({ value: cpu, must: atMost(1.6) }), row({ value: rate, must: atLeast(0.625) })])).toBe(
    isClosed,
  )
})
