import { Client as NewClient, StreamableHTTPClientTransport as NewTransport } from '@modelcontextprotocol/client'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { connect, exampleSet, freeOffset, type Project } from '../helpers/project.ts'

let project: Project
let url: string

beforeAll(async () => {
  project = await exampleSet()
  await project.ok(['up', 'dev', '-d', '--wait', '--port-offset', `${await freeOffset()}`])
  url = (await project.group('local-fast')).url
})

afterAll(() => project[Symbol.asyncDispose]())

test('the client of SDK 1.x lists, calls, reads a resource and gets a prompt', async () => {
  await using client = await connect(url)
  await useAll(client as never)
})

test('the client of SDK 2.x in legacy mode lists, calls, reads a resource and gets a prompt', async () => {
  const client = new NewClient({ name: 'test', version: '1.0.0' })
  await client.connect(new NewTransport(new URL(url)))
  await useAll(client as never)
  await client.close()
})

/** What both client lines have in common. */
interface AnyClient {
  listTools(): Promise<{ tools: { name: string }[] }>
  callTool(call: { name: string; arguments: Record<string, unknown> }): Promise<unknown>
  listResources(): Promise<{ resources: { uri: string }[] }>
  readResource(params: { uri: string }): Promise<{ contents: { uri: string }[] }>
  listPrompts(): Promise<{ prompts: { name: string }[] }>
  getPrompt(params: { name: string }): Promise<{ messages: unknown[] }>
}

async function useAll(client: AnyClient): Promise<void> {
  expect((await client.listTools()).tools.map(({ name }) => name)).toContain('everything_get-sum')
  expect(await client.callTool({ name: 'everything_get-sum', arguments: { a: 2, b: 3 } })).toMatchObject({
    content: [{ type: 'text', text: 'The sum of 2 and 3 is 5.' }],
  })
  const [resource] = (await client.listResources()).resources
  expect((await client.readResource({ uri: resource?.uri ?? '' })).contents[0]?.uri).toBe(resource?.uri)
  expect((await client.listPrompts()).prompts.map(({ name }) => name)).toContain('everything_simple-prompt')
  expect((await client.getPrompt({ name: 'everything_simple-prompt' })).messages).toHaveLength(1)
}
