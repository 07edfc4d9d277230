import { changeGroups } from '../change-groups.ts'
import type { Run } from '../command.ts'

/** Starts groups that `stop` stopped; resolves when they are ready. */
export const run: Run = (context, { args }) => changeGroups(context, { route: 'start', groups: args })
