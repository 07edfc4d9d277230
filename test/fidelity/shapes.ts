import fc from 'fast-check'
import { anything, meta, noise, noisy, text } from './noise.ts'

const annotations = noisy(
  {},
  { audience: fc.subarray(['user', 'assistant']), priority: fc.double(), lastModified: text },
)
const icons = fc.array(noisy({ src: text }, { mimeType: text, sizes: fc.array(text, { maxLength: 2 }), theme: text }), {
  maxLength: 2,
})
const described = { title: text, description: text, icons, _meta: meta }
const blob = fc.base64String({ maxLength: 40 })
const uri = fc.oneof(fc.webUrl(), fc.constantFrom('ui://app/main.html', 'file:///etc/hosts', 'urn:x', ''))
const contents = fc.oneof(
  noisy({ uri, text }, { mimeType: text, _meta: meta, annotations }),
  noisy({ uri, blob }, { mimeType: text, _meta: meta }),
)
const about = { annotations, _meta: meta }

/** Content items of every type, and of one that nobody knows. */
const content = fc.oneof(
  noisy({ type: fc.constant('text'), text }, about),
  noisy({ type: fc.constant('image'), data: blob, mimeType: text }, about),
  noisy({ type: fc.constant('audio'), data: blob, mimeType: text }, about),
  noisy({ type: fc.constant('resource_link'), uri, name: text }, { ...about, ...described, size: fc.nat() }),
  noisy({ type: fc.constant('resource'), resource: contents }, about),
  noisy({ type: fc.constant('hologram') }, about),
)

const some = (item: fc.Arbitrary<unknown>) => fc.array(item, { maxLength: 3 })
const role = fc.constantFrom('user', 'assistant')
const schema = noisy(
  { type: fc.constant('object') },
  { properties: fc.dictionary(fc.constantFrom('a', 'b'), noise), required: some(text), $schema: text, $defs: noise },
)

/** Results by the method that asks for them; any other method's is any object. */
export const results: Readonly<Record<string, fc.Arbitrary<Record<string, unknown>>>> = {
  'tools/call': noisy({ content: some(content) }, { structuredContent: anything, isError: fc.boolean(), _meta: meta }),
  'prompts/get': noisy({ messages: some(noisy({ role, content })) }, { description: text, _meta: meta }),
  'resources/read': noisy({ contents: some(contents) }, { _meta: meta }),
  'completion/complete': noisy(
    { completion: noisy({ values: some(text) }, { total: fc.nat(), hasMore: fc.boolean() }) },
    { _meta: meta },
  ),
}
export const anyResult = noisy({}, { _meta: meta, result: anything, error: anything })

/** What a person or a model says to a server that asks, by the method of the question. */
export const replies = {
  'sampling/createMessage': noisy(
    { role, content: fc.oneof(content, some(content)), model: text },
    { stopReason: text, _meta: meta },
  ),
  'elicitation/create': noisy(
    { action: fc.constantFrom('accept', 'decline', 'cancel') },
    { content: noise, _meta: meta },
  ),
  'roots/list': noisy({ roots: some(noisy({ uri }, { name: text, _meta: meta })) }, { _meta: meta }),
} as const

/** The parameters of a server's questions. */
export const questions = {
  form: noisy({ message: text, requestedSchema: schema }, { mode: fc.constant('form'), _meta: meta }),
  url: noisy({ mode: fc.constant('url'), message: text, url: fc.webUrl(), elicitationId: fc.uuid() }, { _meta: meta }),
  sampling: noisy(
    { messages: some(noisy({ role, content })), maxTokens: fc.nat() },
    { systemPrompt: text, modelPreferences: noise, metadata: noise, stopSequences: some(text), _meta: meta },
  ),
  roots: noisy({}, { _meta: meta }),
} as const

/** What servers list, but for the name or URI that identifies it. */
export const listed = {
  tools: noisy(
    { inputSchema: schema },
    {
      ...described,
      outputSchema: schema,
      annotations: noisy({}, { readOnlyHint: fc.boolean(), title: text }),
      execution: noisy({}, { taskSupport: fc.constantFrom('forbidden', 'optional', 'required') }),
    },
  ),
  prompts: noisy({}, { ...described, arguments: some(noisy({ name: text }, { required: fc.boolean() })) }),
  resources: noisy({ name: text }, { ...described, mimeType: text, size: fc.nat(), annotations }),
  resourceTemplates: noisy({ name: text }, { ...described, mimeType: text, annotations }),
} as const

/** Capabilities, known and unknown ones, with settings nobody knows. */
export const capabilities = noisy(
  { tools: noisy({}, { listChanged: fc.boolean() }), prompts: noise, resources: noise },
  {
    completions: noise,
    experimental: fc.dictionary(fc.constantFrom('a', 'b/c'), noise),
    extensions: fc.dictionary(fc.constantFrom('io.modelcontextprotocol/ui', 'com.example/x'), noise),
  },
)
export const implementation = noisy({ name: text, version: text }, { ...described, websiteUrl: text })
