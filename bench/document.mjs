import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { drawCharts } from './charts.mjs'
import { formatTable } from './table.mjs'

const BEGIN = '<!-- measured: begin -->'
const END = '<!-- measured: end -->'

/** Writes a report's charts into docs/performance/ and its table into docs/performance.md, between the markers there. */
export async function writeDocument(report, root) {
  const charts = drawCharts(report)
  const folder = join(root, 'docs', 'performance')
  await mkdir(folder, { recursive: true })
  for (const { file, svg } of charts) await writeFile(join(folder, `${file}.svg`), svg)
  const page = join(root, 'docs', 'performance.md')
  await writeFile(page, replaceBlock(await readFile(page, 'utf8'), blockOf(report, charts)))
}

function replaceBlock(text, block) {
  const [before, rest] = text.split(BEGIN)
  const after = rest?.split(END)[1]
  if (after === undefined) throw new Error(`docs/performance.md lacks ${BEGIN} or ${END}`)
  return `${before}${BEGIN}\n${block}\n${END}${after}`
}

function blockOf(report, charts) {
  const { node, cpu, cores, memoryGiB, system } = report.machine
  const where = `Measured on ${report.at.slice(0, 10)}: Node ${node.slice(1)}, ${cores} × ${cpu}, ${memoryGiB} GiB, ${system}; medians of ${report.rounds} rounds, ${Math.round(report.ms / 60_000)} minutes in all.`
  const images = charts.map(({ file, title }) => `![${title}](performance/${file}.svg)`)
  return [where, formatTable(report), ...images].join('\n\n')
}
