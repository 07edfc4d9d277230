// Measures the proxy with the conformance scenarios of the Model Context Protocol: npm run conformance [cell…] [-- --json]
// Exit codes: 0 every check that passes without the proxy passes through it (or nothing could be measured, and why is
// said), 1 otherwise, 2 an unknown cell.
import { cells } from '../test/conformance/cells.mjs'
import { measure } from '../test/conformance/measure.mjs'
import { formatReport } from '../test/conformance/table.mjs'
import { toolchain, Unavailable } from '../test/conformance/toolchain.mjs'

const args = process.argv.slice(2)
const isJson = args.includes('--json')
const names = args.filter((arg) => arg !== '--json')
const unknown = names.filter((name) => !(name in cells))

if (unknown.length > 0) {
  console.error(`unknown cell ${unknown.join(', ')}; the cells are ${Object.keys(cells).join(', ')}`)
  process.exitCode = 2
} else {
  process.exitCode = await run(names.length > 0 ? names : Object.keys(cells))
}

async function run(wanted) {
  const tools = await toolchain().catch((error) => error)
  if (tools instanceof Unavailable) return skip(tools.message)
  if (tools instanceof Error) throw tools
  const report = await measure(tools, wanted)
  console.log(isJson ? JSON.stringify(report) : formatReport(report))
  return report.stale.length > 0 || report.runs.some(({ lacking }) => lacking.length > 0) ? 1 : 0
}

function skip(reason) {
  console.log(isJson ? JSON.stringify({ skipped: reason }) : `skipped: ${reason}`)
  return 0
}
