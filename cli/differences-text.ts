import type { Difference } from '../src/config/difference.ts'
import type { Paint } from './paint.ts'

/** A server or a group that only one side has differs in its name, and so in all below it. */
const itemName = /^(\/groups\/[^/]+(?:\/servers\/[^/]+)?)\/name$/

/** `- /groups/lan/port: 7613` and `+ /groups/lan/port: 7623`; a whole server or group is named, not spelled out. */
export function describeDifferences(found: readonly Difference[], paint: Paint): string {
  if (found.length === 0) return 'no differences\n'
  const items = found.flatMap(({ pointer }) => itemName.exec(pointer)?.[1] ?? [])
  const isShown = ({ pointer }: Difference) => !items.some((item) => isBelow(item, pointer))
  return found
    .filter(isShown)
    .map((difference) => describe(difference, paint))
    .join('')
}

/** The name itself stands for its item, unless that is inside of another one. */
function isBelow(item: string, pointer: string): boolean {
  return pointer.startsWith(`${item}/`) && pointer !== `${item}/name`
}

function describe({ pointer, before, after }: Difference, paint: Paint): string {
  const item = itemName.exec(pointer)?.[1]
  const line = (value: string) => (item ? item : `${pointer}: ${value}`)
  const old = before === undefined ? '' : `${paint('red', `- ${line(before)}`)}\n`
  return old + (after === undefined ? '' : `${paint('green', `+ ${line(after)}`)}\n`)
}
