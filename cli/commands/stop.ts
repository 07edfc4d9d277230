import { changeGroups } from '../change-groups.ts'
import type { Run } from '../command.ts'

/** Stops groups and keeps them stopped until `start` or the next `up`. */
export const run: Run = (context, { args }) => changeGroups(context, { route: 'stop', groups: args })
