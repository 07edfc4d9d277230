import { changeGroups } from '../change-groups.ts'
import type { Run } from '../command.ts'

/** A new process for each named group, all without names; resolves when they are ready again. */
export const run: Run = (context, { args }) => changeGroups(context, { route: 'restart', groups: args })
