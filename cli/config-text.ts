import type { Difference } from './difference.ts'
import type { Paint } from './paint.ts'

/** The profile as YAML, each value that has an origin with ` # file:line` behind it. */
export async function describeProfile(profile: object, origins: ReadonlyMap<string, string>): Promise<string> {
  const { Document, isCollection, isNode } = await import('yaml')
  const document = new Document(profile, { aliasDuplicateObjects: false })
  for (const [pointer, origin] of origins) {
    const node = document.getIn(pathOf(pointer), true)
    if (isNode(node) && !isCollection(node)) node.comment = ` ${origin}`
  }
  return document.toString({ lineWidth: 0 })
}

/** `- groups.lan.port: 7613` and `+ groups.lan.port: 7623`, for every leaf that differs. */
export function describeDifferences(found: readonly Difference[], paint: Paint): string {
  if (found.length === 0) return 'no differences\n'
  return found.map((difference) => describeDifference(difference, paint)).join('')
}

function describeDifference({ path, from, to }: Difference, paint: Paint): string {
  const before = from === undefined ? '' : `${paint('red', `- ${path}: ${JSON.stringify(from)}`)}\n`
  const after = to === undefined ? '' : `${paint('green', `+ ${path}: ${JSON.stringify(to)}`)}\n`
  return before + after
}

/** A JSON pointer as path; numbers stay what the list is indexed with. */
function pathOf(pointer: string): (string | number)[] {
  const parts = pointer.split('/').slice(1)
  return parts.map((part) => (/^\d+$/.test(part) ? Number(part) : part.replaceAll('~1', '/').replaceAll('~0', '~')))
}
