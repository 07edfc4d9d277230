import { projectFolder } from '../src/config/locate.ts'
import { ControlClient } from '../src/control/client.ts'
import { type StatePaths, statePaths } from '../src/shared/paths.ts'
import type { Context } from './context.ts'

/** The project a command is about: found without reading any profile set, so that a broken one cannot lock you out. */
export interface Project {
  readonly folder: string
  readonly paths: StatePaths
  readonly control: ControlClient
}

export async function findProject({ cwd, env, flags }: Context): Promise<Project> {
  const folder = await projectFolder({ cwd, env, files: flags.files })
  const paths = statePaths(folder, env)
  return { folder, paths, control: new ControlClient(paths.socket) }
}
