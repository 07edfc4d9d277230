import { isRecord } from '../shared/record.ts'
import { itemsOf, type Json, textOf } from './json.ts'

/** The result of a call as text: its content blocks in order, then structured content that no block repeats. */
export function resultText(result: Json): string {
  const blocks = itemsOf(result['content']).filter(isRecord).map(blockText)
  const structured = result['structuredContent']
  if (structured === undefined || blocks.some((block) => repeats(block, structured))) return lines(blocks)
  return lines([...blocks, JSON.stringify(structured, null, 2)])
}

/** The messages of a prompt, each under its role. */
export function promptText(result: Json): string {
  const messages = itemsOf(result['messages']).filter(isRecord)
  return lines(messages.map(({ role, content }) => `${textOf(role)}: ${isRecord(content) ? blockText(content) : ''}`))
}

/** A content block, or a note on what it holds where that is no text. */
function blockText(block: Json): string {
  switch (block['type']) {
    case 'text':
      return pretty(textOf(block['text']))
    case 'image':
    case 'audio':
      return `(${textOf(block['type'])} ${textOf(block['mimeType'])}, ${bytesOf(block['data'])} bytes)`
    case 'resource_link':
      return `(link ${textOf(block['uri'])})`
    case 'resource':
      return isRecord(block['resource']) ? contentsText(block['resource']) : '(resource)'
    default:
      return JSON.stringify(block, null, 2)
  }
}

/** One item of a resource's contents: its text, or a note on its bytes. */
export function contentsText(contents: Json): string {
  if (typeof contents['text'] === 'string') return contents['text']
  return `(${textOf(contents['mimeType']) || 'bytes'}, ${bytesOf(contents['blob'])} bytes)`
}

/** JSON in a text block is easier to read spread out. */
function pretty(text: string): string {
  if (!/^\s*[[{]/.test(text)) return text
  try {
    return JSON.stringify(JSON.parse(text), null, 2)
  } catch {
    // It only began like JSON: it is shown as it is.
    return text
  }
}

function repeats(block: string, structured: unknown): boolean {
  return block === JSON.stringify(structured, null, 2)
}

function bytesOf(base64: unknown): number {
  return Buffer.byteLength(textOf(base64), 'base64')
}

function lines(parts: readonly string[]): string {
  return parts.map((part) => `${part}\n`).join('')
}
