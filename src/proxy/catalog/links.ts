import { isRecord, type Params } from '../mcp/rpc.ts'
import { markUi, uiOf } from './user-interface.ts'

type Uris = ReadonlyMap<string, string>

/** Calls `visit` with each URI a result points to: links and embedded resources of tools and prompts, read contents, user interfaces. */
export function visitLinks(result: Params, visit: (uri: string) => void): void {
  for (const content of contentsOf(result)) {
    const uri = uriOf(content)
    if (uri !== undefined) visit(uri)
  }
  for (const uri of uiOf(result)) visit(uri)
}

function contentsOf({ content, contents, messages }: Params): readonly unknown[] {
  if (Array.isArray(content)) return content
  if (Array.isArray(contents)) return contents
  return Array.isArray(messages) ? messages.flatMap((message) => (isRecord(message) ? message.content : [])) : []
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
