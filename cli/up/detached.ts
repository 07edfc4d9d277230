import { spawn } from 'node:child_process'
import { open, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pause } from '../../src/shared/async.ts'
import { fromDocument, McpctlError } from '../../src/shared/errors.ts'
import { entryFile } from '../../src/shared/paths.ts'
import { supervisorEnv } from '../../src/supervisor/proxy-env.ts'
import { prepareStateFolder } from '../../src/supervisor/state-folder.ts'
import type { Context } from '../context.ts'
import { type Project, presentStatus } from '../project.ts'

/** How long a new supervisor may take until it answers, in milliseconds. */
const START_DEADLINE = 15_000

/** Starts a supervisor of its own session and resolves once one answers: this one, or the winner of a race. */
export async function startDetached(context: Context, project: Project): Promise<void> {
  const { folder, paths, control } = project
  prepareStateFolder(paths)
  const { announceStart } = await import('../../src/supervisor/starting.ts')
  using _starting = announceStart(paths.folder)
  const lastWords = join(paths.folder, 'supervisor.err')
  const file = await open(lastWords, 'w', 0o600)
  const child = spawn(context.execPath, [entryFile('supervisor'), folder], {
    cwd: folder,
    detached: true,
    env: supervisorEnv(context.env),
    stdio: ['ignore', 'ignore', file.fd],
  })
  let ended = false
  child.once('error', () => (ended = true))
  child.once('exit', () => (ended = true))
  child.unref()
  await file.close()
  const deadline = performance.now() + START_DEADLINE
  while (!(await presentStatus(control))) {
    // One that ended lost a race or failed; only when nobody else answers either was it a failure.
    if (ended && !(await presentStatus(control))) throw await startFailure(lastWords)
    if (performance.now() > deadline) throw new McpctlError('not_ready', 'the supervisor did not answer in time')
    await pause(20)
  }
}

/** The error document that a supervisor leaves on stderr when it cannot start; whatever else is there if it crashed. */
async function startFailure(file: string): Promise<McpctlError> {
  const lines = (await readFile(file, 'utf8')).trim().split('\n')
  try {
    return fromDocument(JSON.parse(lines.at(-1) ?? '').error)
  } catch {
    // Not the document: then the text itself is the best there is.
    return new McpctlError('unexpected', `the supervisor did not start: ${lines.slice(-5).join('\n')}`)
  }
}
