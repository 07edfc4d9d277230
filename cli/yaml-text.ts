import { Document, isCollection, isNode, stringify } from 'yaml'

/** A document as YAML; long strings stay on one line. */
export function yamlText(document: unknown): string {
  return stringify(document, { lineWidth: 0, aliasDuplicateObjects: false })
}

/** The same with ` # file:line` behind each value whose JSON pointer has an origin. */
export function yamlWithOrigins(value: object, origins: ReadonlyMap<string, string>): string {
  const document = new Document(value, { aliasDuplicateObjects: false })
  for (const [pointer, origin] of origins) {
    const node = document.getIn(pathOf(pointer), true)
    if (isNode(node) && !isCollection(node)) node.comment = ` ${origin}`
  }
  return document.toString({ lineWidth: 0 })
}

/** A JSON pointer as path; numbers are what lists are indexed with. */
function pathOf(pointer: string): (string | number)[] {
  const parts = pointer.split('/').slice(1)
  return parts.map((part) => (/^\d+$/.test(part) ? Number(part) : part.replaceAll('~1', '/').replaceAll('~0', '~')))
}
