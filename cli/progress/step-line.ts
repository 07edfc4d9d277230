import type { GroupState, ServerState } from '../../src/shared/status.ts'
import type { Paint, Style } from '../paint.ts'
import { oneLine } from '../untrusted.ts'
import type { Step } from './track.ts'

/** How each state looks; the spinner's frame stands in where the mark is empty. */
const looks = {
  ready: { mark: '✔', style: 'green' },
  degraded: { mark: '!', style: 'yellow' },
  starting: { mark: '', style: 'cyan' },
  connecting: { mark: '', style: 'cyan' },
  draining: { mark: '', style: 'cyan' },
  backoff: { mark: '✖', style: 'red' },
  failed: { mark: '✖', style: 'red' },
  quarantined: { mark: '✖', style: 'red' },
  authRequired: { mark: '!', style: 'yellow' },
  disabled: { mark: '-', style: 'dim' },
  stopped: { mark: '-', style: 'dim' },
} as const satisfies Record<GroupState | ServerState, { mark: string; style: Style }>

export interface LineStyle {
  readonly paint: Paint
  /** What stands before a line that is still under way. */
  readonly busy: string
}

/** The state in its colour. */
export function stateText(state: GroupState | ServerState, paint: Paint): string {
  return paint(looks[state].style, state)
}

/** `✔ memory  9 tools  184 ms`, `✖ lan  backoff  port 7613 is taken`. */
export function stepLine(step: Step, name: string, { paint, busy }: LineStyle): string {
  const { mark, style } = looks[step.state]
  const words = [isDone(step) ? '' : step.state, oneLine(step.detail), isDone(step) ? took(step.upAfter, paint) : '']
  return [`${paint(style, mark || busy)} ${name}`, ...words.filter((word) => word !== '')].join('  ')
}

/** `184 ms`, `1.9 s`, `2 m 5 s`. */
export function elapsed(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`
  if (ms < 60_000) return `${(ms / 1000).toFixed(1)} s`
  return `${Math.floor(ms / 60_000)} m ${Math.round((ms % 60_000) / 1000)} s`
}

function isDone({ state }: Step): boolean {
  return state === 'ready'
}

function took(ms: number | undefined, paint: Paint): string {
  return ms === undefined ? '' : paint('dim', elapsed(ms))
}
