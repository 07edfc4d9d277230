import { isRecord, type Params } from '../mcp/rpc.ts'
import { markUi, uiOf } from './user-interface.ts'

type Uris = ReadonlyMap<string, string>

/** The URIs a result points to: links and embedded resources of tools and prompts, read contents, user interfaces. */
export function linksOf(result: Params): readonly string[] {
  const { content, contents, messages } = result
  const links = uiOf(result)
  addLinks(links, content)
  addLinks(links, contents)
  for (const message of Array.isArray(messages) ? messages : []) if (isRecord(message)) addLinks(links, message.content)
  return links
}

/** Of one piece or several. */
function addLinks(links: string[], pieces: unknown): void {
  for (const piece of Array.isArray(pieces) ? pieces : [pieces]) {
    const uri = uriOf(piece)
    if (uri !== undefined) links.push(uri)
  }
}

function uriOf(content: unknown): string | undefined {
  if (!isRecord(content)) return undefined
  if (typeof content.uri === 'string') return content.uri
  return isRecord(content.resource) && typeof content.resource.uri === 'string' ? content.resource.uri : undefined
}

/** The result with the URIs that are shown marked in their marked form, everything else as it was. */
export function markLinks(result: Params, marked: Uris): Params {
  const { content, contents, messages } = result
  return {
    ...markUi(result, marked),
    ...(Array.isArray(content) && { content: content.map((item) => markContent(item, marked)) }),
    ...(Array.isArray(contents) && { contents: contents.map((item) => markContent(item, marked)) }),
    ...(Array.isArray(messages) && { messages: messages.map((message) => markMessage(message, marked)) }),
  }
}

function markMessage(message: unknown, marked: Uris): unknown {
  if (!isRecord(message)) return message
  const { content } = message
  if (Array.isArray(content)) return { ...message, content: content.map((item) => markContent(item, marked)) }
  return { ...message, content: markContent(content, marked) }
}

function markContent(content: unknown, marked: Uris): unknown {
  if (!isRecord(content)) return content
  if (typeof content.uri === 'string') return { ...content, uri: marked.get(content.uri) ?? content.uri }
  if (!isRecord(content.resource)) return content
  return { ...content, resource: markContent(content.resource, marked) }
}
