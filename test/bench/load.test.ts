import type { ServerResponse } from 'node:http'
import { expect, test } from 'vitest'
import { serve } from '../helpers/serve.ts'
import { load } from './bench.ts'

interface Call {
  readonly id: number
  readonly params: { readonly arguments: { readonly payload: string } }
}

type Answer = (response: ServerResponse, call: Call) => unknown

const textOf = ({ id, params }: Call, { payload = params.arguments.payload, ...over } = {}) =>
  JSON.stringify({ jsonrpc: '2.0', id, result: { content: [{ type: 'text', text: payload }] }, ...over })

/** A server that answers calls as `answer` does, and how it fares under a load of so many calls. */
async function fare(answer: Answer, calls = 20) {
  await using server = await serve((response, _pulse, request) => {
    let body = ''
    request.setEncoding('utf8').on('data', (chunk) => {
      body += chunk
    })
    request.on('end', () => answer(response, JSON.parse(body)))
  })
  await using generator = await load()
  return await generator.run({
    url: `${server.url}/mcp`,
    era: 'modern',
    tool: 'echo',
    payload: 200,
    connections: 2,
    calls,
  })
}

test.each<[string, Answer]>([
  ['whole', (response, call) => response.end(textOf(call))],
  ['with a length', (response, call) => response.setHeader('content-length', textOf(call).length).end(textOf(call))],
  ['as an event stream', (response, call) => response.end(`event: message\ndata: ${textOf(call)}\n\n`)],
  [
    'in pieces',
    (response, call) => {
      const text = textOf(call)
      response.write(text.slice(0, 50), () => setImmediate(() => response.end(text.slice(50))))
    },
  ],
  [
    'with its members in another order',
    (response, { id, params }) => {
      const { payload } = params.arguments
      response.end(JSON.stringify({ result: { content: [{ text: payload, type: 'text' }] }, id, jsonrpc: '2.0' }))
    },
  ],
  ['with spaces in it', (response, call) => response.end(JSON.stringify(JSON.parse(textOf(call)), null, 1))],
])('takes a right answer that comes %s', async (_title, answer) => {
  expect(await fare(answer)).toMatchObject({ calls: 20 })
})

test.each<[string, Answer, RegExp]>([
  ['another id', (response, call) => response.end(textOf({ ...call, id: call.id + 1 })), /not the answer to/],
  [
    'an id that only begins like it',
    (response, call) => response.end(textOf({ ...call, id: call.id * 10 })),
    /not the answer/,
  ],
  [
    'what another call sent',
    (response, call) => response.end(textOf(call, { payload: 'nonce-7' })),
    /not the answer to/,
  ],
  [
    'an error',
    (response, { id }) => response.end(JSON.stringify({ id, error: { code: 1, message: 'no' } })),
    /not the answer/,
  ],
  ['another status', (response, call) => response.writeHead(500).end(textOf(call)), /500/],
  ['nothing', (response) => response.destroy(), /closed/],
  ['no JSON', (response) => response.end('{"id'), /not the answer to/],
])('fails the run when a server answers with %s', async (_title, answer, message) => {
  await expect(fare(answer)).rejects.toThrow(message)
})
