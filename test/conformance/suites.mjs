// The suites of the conformance tool and how one run of them is made and read.
import { spawn } from 'node:child_process'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'

const RUN_TIMEOUT = 240_000
/** Of one scenario; the tool's own 30 s are too short for a machine that is busy with other things. */
const SCENARIO_TIMEOUT = 60_000

/** Suite → the release of the tool that has it, and what it is asked for. */
const server = {
  '0.1.16': { line: 'stable', args: ['--suite', 'all'] },
  '2025-11-25': { line: 'next', args: ['--requirements', '2025-11-25'] },
  '2026-07-28': { line: 'next', args: ['--suite', 'all', '--spec-version', '2026-07-28'] },
}

/** Runs a suite against the server at `url` and resolves with its checks. */
export function runServerSuite(tools, suite, url) {
  const { line, args } = server[suite]
  return run([tools.node, tools[line], 'server', '--url', url, ...args])
}

/** Runs the client scenarios of a revision; `command` is started once for each, with the mock server's URL behind. */
export async function runClientSuite(tools, revision, command) {
  const args = [
    'client',
    '--timeout',
    String(SCENARIO_TIMEOUT),
    '--command',
    command,
    '--suite',
    'all',
    '--spec-version',
    revision,
  ]
  const checks = await run([tools.node, tools.next, ...args])
  return checks.filter(({ scenario }) => !scenario.startsWith('auth'))
}

/** The tool writes what it found into files; they and all else it writes go into a temp folder. */
async function run([file, ...args]) {
  const folder = await mkdtemp(join(tmpdir(), 'mcpctl-conformance-results-'))
  try {
    const said = await finish(spawn(file, [...args, '-o', folder], { cwd: folder }))
    const checks = await readChecks(folder)
    if (checks.length === 0) throw new Error(`no results from ${args.join(' ')}: ${said.trimEnd().split('\n').at(-1)}`)
    return checks
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

function finish(child) {
  let said = ''
  const hard = setTimeout(() => child.kill('SIGKILL'), RUN_TIMEOUT)
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (chunk) => (said += chunk))
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('close', () => resolve(said))
  }).finally(() => clearTimeout(hard))
}

async function readChecks(folder) {
  const files = (await readdir(folder, { recursive: true })).filter((file) => basename(file) === 'checks.json')
  const read = files.map(async (file) => {
    const scenario = scenarioOf(file)
    const checks = JSON.parse(await readFile(join(folder, file), 'utf8'))
    return checks.map(({ id, name, status, description, errorMessage }) => ({
      scenario,
      id,
      name,
      status,
      message: errorMessage ?? description,
    }))
  })
  return (await Promise.all(read)).flat()
}

/** The folder of a result is called `[server-]SCENARIO-TIME`. */
const scenarioOf = (file) =>
  file
    .replace(/[/\\]checks\.json$/, '')
    .replace(/-\d{4}-\d\d-\d\dT[\dZ-]+$/, '')
    .replace(/^server-(?=.)/, '')
