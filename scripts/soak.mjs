// Runs test/soak: the load cases at full size, then the mix of load and faults. `--report NAME` writes what was measured
// to NAME.json and NAME.txt. Environment: SOAK_MINUTES (of the mix, 30), SOAK_SEED (1), SOAK_ONLY (a part of the name of
// the files to run).
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const { report } = parseArgs({ options: { report: { type: 'string' } } }).values
const folder = mkdtempSync(join(tmpdir(), 'mcpctl-soak-'))
const figures = join(folder, 'figures')
writeFileSync(figures, '')

const { SOAK_ONLY: only = '' } = process.env
const vitest = spawn(
  process.execPath,
  [join(root, 'node_modules/vitest/vitest.mjs'), 'run', '--project', 'soak', only],
  {
    cwd: root,
    stdio: 'inherit',
    env: { ...process.env, SOAK: '1', SOAK_FIGURES: figures },
  },
)
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => vitest.kill(signal))
const [code] = await once(vitest, 'exit')
const noted = readFileSync(figures, 'utf8')
  .split('\n')
  .filter(Boolean)
  .map((line) => JSON.parse(line))
rmSync(folder, { recursive: true })

const text = `mcpctl soak: ${code === 0 ? 'passed' : 'FAILED'}, Node ${process.version}\n\n${noted.map(block).join('\n\n')}\n`
console.log(`\n${text}`)
if (report !== undefined) {
  writeFileSync(
    `${report}.json`,
    `${JSON.stringify({ passed: code === 0, node: process.version, cases: noted }, null, 2)}\n`,
  )
  writeFileSync(`${report}.txt`, text)
}
process.exitCode = code ?? 1

/** One case: its name, then a figure a line; a list of records becomes a line each. */
function block({ name, ...values }) {
  return [name, ...Object.entries(values).flatMap(([key, value]) => lines(key, value))].join('\n')
}

function lines(key, value) {
  if (Array.isArray(value)) return value.length === 0 ? [line(key, 'none')] : value.map((one) => line(key, shown(one)))
  return [line(key, shown(value))]
}

function line(key, value) {
  return `  ${key.padEnd(14)} ${value}`
}

function shown(value) {
  if (typeof value === 'number') return Number.isInteger(value) ? value.toLocaleString('en') : value.toFixed(2)
  if (typeof value !== 'object' || value === null) return String(value)
  return Object.entries(value)
    .map(([key, one]) => `${key} ${shown(key === 'rss' ? `${(one / 1_048_576).toFixed(1)} MiB` : one)}`)
    .join(', ')
}
