import { once } from 'node:events'
import { mkdir } from 'node:fs/promises'
import { type ControlApi, createControlServer } from '../../src/control/server.ts'
import { McpctlError } from '../../src/shared/errors.ts'
import { statePaths } from '../../src/shared/paths.ts'

export interface ScriptedSupervisor extends AsyncDisposable {
  readonly socket: string
}

/**
 * The real control server on the project's real socket, with answers written by the test in place of a supervisor:
 * for what the CLI says in situations that are hard to bring about.
 */
export async function scriptedSupervisor(folder: string, api: Partial<ControlApi>): Promise<ScriptedSupervisor> {
  const paths = statePaths(folder, { MCPCTL_HOME: `${folder}/.state` })
  await mkdir(paths.folder, { recursive: true, mode: 0o700 })
  const server = createControlServer({ ...refusesAll, ...api })
  await once(server.listen(paths.socket), 'listening')
  return {
    socket: paths.socket,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

const refuse = () => {
  throw new McpctlError('unexpected', 'the script of this test has no answer')
}

const refusesAll: ControlApi = {
  status: refuse,
  apply: refuse,
  plan: refuse,
  reload: refuse,
  rollback: refuse,
  restart: refuse,
  start: refuse,
  stop: refuse,
  down: refuse,
  events: refuse,
  logs: refuse,
}
