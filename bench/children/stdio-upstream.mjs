// A synthetic MCP server over stdio. Argument: how many tools it has.
import { createInterface } from 'node:readline'
import { createAnswers } from '../synthetic.mjs'

const { legacy } = createAnswers(Number(process.argv[2] ?? 12))

createInterface({ input: process.stdin }).on('line', (line) => {
  const { id, method, params } = JSON.parse(line)
  if (id === undefined) return
  const result = legacy[method]
  const outcome = result ? `"result":${result(params)}` : '"error":{"code":-32601,"message":"not here"}'
  process.stdout.write(`{"jsonrpc":"2.0","id":${JSON.stringify(id)},${outcome}}\n`)
})
