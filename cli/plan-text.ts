import type { PrintedPlan } from '../src/control/protocol.ts'
import { formatPlan } from '../src/plan/format.ts'
import type { Paint, Style } from './paint.ts'

const styles: Readonly<Record<string, Style>> = { '+': 'green', '-': 'red', '~': 'yellow', '=': 'dim' }

/** The plan as people read it: one line per group, each with its cause, coloured by what happens. */
export function planLines(plan: PrintedPlan, paint: Paint): string[] {
  return formatPlan(plan).map((line) => paint(styles[line.charAt(0)] ?? 'reset', line))
}
