import { drawBars } from './bars.mjs'

const labels = {
  direct: 'no proxy',
  bytes: 'byte-copying proxy',
  json: 'bare JSON proxy',
  sdk1: 'SDK 1.x classes',
}

/** One chart each: of a figure of every contender in the details of a row. */
const figures = [
  { file: 'calls', title: 'tools/call 200 B, 8 connections', row: 'calls-200b-8-vs-bytes', figure: 'rate', unit: '/s' },
  {
    file: 'cpu',
    title: "CPU of the proxy's process for each such call",
    row: 'calls-200b-8-vs-bytes',
    figure: 'cpu',
    unit: 'µs',
    without: ['direct'],
  },
  {
    file: 'large-calls',
    title: 'tools/call 20 KB, 8 connections',
    row: 'calls-20k-8-vs-bytes',
    figure: 'rate',
    unit: '/s',
  },
  {
    file: 'lists',
    title: 'tools/list of 100 tools, 8 connections',
    row: 'list-100-vs-direct',
    figure: 'rate',
    unit: '/s',
  },
]

/** The same beside other proxies, when they were asked for. */
const PEERS = {
  file: 'peers',
  title: 'tools/call 200 B, 8 connections, beside other proxies',
  figure: 'rate',
  unit: '/s',
}

const memory = { file: 'memory', title: 'resident memory of an idle proxy', row: 'idle-rss-vs-bare', unit: 'MB' }

/** The charts a report has figures for, as `{ file, title, svg }`. */
export function drawCharts({ measures }) {
  const rows = new Map(measures.flatMap(({ rows }) => rows.map((row) => [row.id, row])))
  const asked = [
    ...figures.map((chart) => ({ ...chart, values: valuesOf(rows.get(chart.row)?.details.contenders, chart) })),
    { ...PEERS, values: valuesOf(peersIn(measures), PEERS) },
    { ...memory, values: rows.get(memory.row)?.details.megabytes },
  ]
  return asked.filter(({ values }) => values).map((chart) => ({ ...chart, svg: draw(chart) }))
}

const peersIn = (measures) => measures.find(({ name }) => name === 'peers')?.rows[0]?.details?.contenders

function valuesOf(contenders, { figure, without = [] }) {
  if (contenders === undefined) return undefined
  const shown = Object.entries(contenders).filter(([name]) => !without.includes(name))
  return Object.fromEntries(shown.map(([name, all]) => [name, all[figure]]))
}

const draw = ({ title, unit, values }) =>
  drawBars({
    title,
    unit,
    bars: Object.entries(values).map(([name, value]) => ({ label: labels[name] ?? name, value })),
  })
