import { isForwardable } from '../shared/forwardable.ts'
import { quote } from './source.ts'
import { itemsOf } from './tree.ts'
import { type Field, type Reading, readText, report } from './values.ts'

/** Names of headers in lower case. Those that are never sent on are a problem here, not a surprise later. */
export function forwardHeadersOf(reading: Reading, { node, pointer }: Field): readonly string[] {
  return itemsOf(node).flatMap((item, index) => {
    const name = readText(reading, { node: item, pointer: `${pointer}/${index}` })?.toLowerCase()
    if (name === undefined) return []
    if (reading.asWritten || isForwardable(name)) return [name]
    const message = `the header ${quote(name)} is never sent on to a server`
    const hint = 'credentials of a server belong into its headers'
    report(reading, item, { code: 'bad_header', message, hint })
    return []
  })
}
