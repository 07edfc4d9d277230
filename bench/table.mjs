import { FOREIGN_LIMIT } from './context.mjs'
import { significant } from './stats.mjs'

/** The rows of a report as a Markdown table, aligned to be read as text too. */
export function formatTable({ measures }) {
  const rows = measures.flatMap(({ name, rows, error }) =>
    error ? [[`${name}: failed: ${firstLine(error)}`, '', '', '', '']] : rows.map(cellsOf),
  )
  return align([['measure', 'measured', 'must', 'aim', ''], ...rows])
}

const firstLine = (text) => text.split('\n')[0].slice(0, 100)

/** Whether a row reaches its aim, its must, or neither; `told` when there is no bar it misses. */
export function verdictOf({ value, must, aim }) {
  if (value === null || value === undefined) return 'missing'
  if (aim && meets(value, aim)) return 'aim'
  if (must) return meets(value, must) ? 'must' : 'missed'
  return 'told'
}

const meets = (value, bar) => (bar.op === '>=' ? value >= bar.value : value <= bar.value)
const marks = { aim: '++', must: '+', missed: '-', told: '', missing: '' }

function cellsOf(row) {
  const noisy = row.foreign > FOREIGN_LIMIT ? ' ~' : ''
  const mark = `${marks[verdictOf(row)]}${noisy}`
  return [row.what, formatValue(row), formatBar(row.must, row.unit), formatBar(row.aim, row.unit), mark]
}

const formatBar = (bar, unit) => (bar ? `${bar.op === '>=' ? '≥' : '≤'} ${withUnit(bar.value, unit)}` : '')
const formatValue = ({ value, unit }) => (value === null || value === undefined ? '–' : withUnit(value, unit))

function withUnit(value, unit) {
  const number = Math.abs(value) >= 1000 ? Math.round(value).toLocaleString('en-US') : `${significant(value)}`
  return unit ? `${number} ${unit}` : number
}

/** Cells as a Markdown table; the first row is the head. */
function align(rows) {
  const widths = rows[0].map((_, column) => Math.max(3, ...rows.map((row) => `${row[column]}`.length)))
  const line = (cells, fill = ' ') => `| ${cells.map((cell, at) => `${cell}`.padEnd(widths[at], fill)).join(' | ')} |`
  const rule = line(
    widths.map(() => ''),
    '-',
  )
  return [line(rows[0]), rule, ...rows.slice(1).map((row) => line(row))].join('\n')
}
