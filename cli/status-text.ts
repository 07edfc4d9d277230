import type { GroupStatus, Status } from '../src/control/protocol.ts'
import type { ServerStatus } from '../src/shared/status.ts'
import { columns } from './columns.ts'
import { describeProblems } from './failure.ts'
import type { Paint } from './paint.ts'
import { stateText } from './progress/step-line.ts'
import { oneLine } from './untrusted.ts'

const head = ['GROUP', 'SERVER', 'STATE', 'PID', 'TOOLS', 'RESTARTS', 'URL / LAST ERROR']

/** The status as people read it: one line on the whole, a table of groups and servers, problems of the files. */
export function statusText(status: Status, paint: Paint): string {
  const rows = status.groups.flatMap((group) => [
    groupRow(group, paint),
    ...group.servers.map((server) => serverRow(server, paint)),
  ])
  const table = rows.length > 0 ? `\n${columns([head.map((cell) => paint('dim', cell)), ...rows])}` : ''
  return `${summary(status, paint)}\n${table}${shortcomings(status, paint)}${staleness(status, paint)}`
}

/** `local-fast  http://127.0.0.1:7611/mcp  ready`, one line per group. */
export function urlLines(groups: readonly GroupStatus[], paint: Paint): string {
  return columns(groups.map(({ name, url, state }) => [paint('bold', name), url, stateText(state, paint)]))
}

function summary({ project, profile, state, config, supervisor }: Status, paint: Paint): string {
  return `${paint('bold', `${project}/${profile}`)}  ${stateText(state, paint)}  generation ${config.generation}  supervisor ${supervisor.pid}`
}

function groupRow(group: GroupStatus, paint: Paint): string[] {
  const tools = group.servers.reduce((sum, server) => sum + server.tools, 0)
  const end = group.lastError && group.state !== 'ready' ? paint('red', oneLine(group.lastError)) : group.url
  const { name, state, pid, restarts } = group
  return [paint('bold', name), '', stateText(state, paint), `${pid ?? '-'}`, `${tools}`, `${restarts}`, end]
}

function serverRow({ name, state, pid, tools, restarts, lastError, drift }: ServerStatus, paint: Paint): string[] {
  const drifted = drift ? paint('yellow', `${drift} not as locked`) : ''
  const error = lastError && state !== 'ready' ? paint('red', oneLine(lastError)) : drifted
  return ['', name, stateText(state, paint), `${pid ?? '-'}`, `${tools}`, `${restarts}`, error]
}

function shortcomings({ supervisor: { warnings = [] } }: Status, paint: Paint): string {
  return warnings.map((warning) => `\n${paint('yellow', `The supervisor ${warning}.`)}\n`).join('')
}

function staleness({ config }: Status, paint: Paint): string {
  if (config.state === 'current') return ''
  const isInvalid = config.problems.some(({ severity }) => severity === 'error')
  const text = `The files on disk ${isInvalid ? 'are invalid' : 'differ'}; generation ${config.generation} keeps running.`
  return `\n${paint('yellow', text)}\n${describeProblems(config.problems, paint)}`
}
