import { expect, test } from 'vitest'
import { groupOf, stdioServer } from '../../helpers/group.ts'
import { ask } from '../../helpers/modern.ts'
import { holdSocket, startReadyProxy } from '../../helpers/proxy.ts'

function server(name: string, scheme: string) {
  const plain = stdioServer(name, 'asking-reads')
  return { ...plain, transport: { ...plain.transport, env: { KNOWN: scheme } } as typeof plain.transport }
}

test('D-35: the answers to a server’s question go to that server alone, also where no list says whose a resource is', async () => {
  using socket = await holdSocket()
  await using proxy = await startReadyProxy({ group: groupOf([server('a', 'x'), server('b', 'y')]), socket })
  const url = `${proxy.url}/mcp`
  const _meta = { 'io.modelcontextprotocol/clientCapabilities': { elicitation: { form: {} } } }
  const read = (more = {}) => ask(url, 'resources/read', { uri: 'y://1', ...more, _meta })
  const { result } = await read()
  expect(result).toMatchObject({ resultType: 'input_required', inputRequests: expect.any(Object) })
  const [key = ''] = Object.keys(result?.inputRequests as object)
  const inputResponses = { [key]: { action: 'accept', content: { word: 'yes' } } }
  expect((await read({ inputResponses, requestState: result?.requestState })).result).toMatchObject({
    contents: [{ uri: 'y://1', text: 'yes' }],
  })
  expect((await ask(url, 'tools/call', { name: 'a_reads' })).result).toMatchObject({ content: [{ text: '1' }] })
})
