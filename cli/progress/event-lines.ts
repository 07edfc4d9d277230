import type { ControlEvent } from '../../src/control/protocol.ts'
import { place } from '../../src/shared/diagnostic.ts'
import { driftLines } from '../drift-text.ts'
import type { Paint } from '../paint.ts'
import { planLines } from '../plan-text.ts'
import { oneLine } from '../untrusted.ts'
import { stepLine } from './step-line.ts'
import { observe, type Track } from './track.ts'

export interface Seen {
  readonly track: Track
  /** On the clock of the track. */
  readonly now: number
  readonly paint: Paint
}

/** What an event says in words, one line per change, and the track after it. */
export function eventLines(event: ControlEvent, { track, now, paint }: Seen): { lines: string[]; next: Track } {
  switch (event.type) {
    case 'status': {
      const next = observe(track, event.status, now)
      return { lines: next.changed.map((step) => stepLine(step, nameOf(step), { paint, busy: '…' })), next }
    }
    case 'applied':
      return { lines: planLines(event.applied.plan, paint), next: track }
    case 'rejected':
      return {
        lines: event.problems.map((problem) => `${paint('red', '✖')} ${place(problem)} ${oneLine(problem.message)}`),
        next: track,
      }
    case 'drift':
      return { lines: driftLines(event.drift, paint), next: track }
    default:
      return event satisfies never
  }
}

function nameOf({ group, server }: { group: string; server: string | undefined }): string {
  return server === undefined ? group : `${group}/${server}`
}
