import { expect, test } from 'vitest'
import { startFixture } from '../helpers/fixture.ts'
import { freePort } from '../helpers/ports.ts'
import { connect, makeProject } from '../helpers/project.ts'
import { tempFolder } from '../helpers/temp.ts'
import { certify } from '../proxy/upstream/tls.ts'

/** A project whose only server speaks HTTPS, with a certificate of an authority nobody knows. */
async function privatelyCertified() {
  const folder = await tempFolder()
  const { cert, key, authority } = await certify(folder.path, 'localhost')
  const server = await startFixture('http', [], { CERT: cert, KEY: key })
  const project = await makeProject({
    'mcpctl.yaml': `
version: 1
servers:
  inside: { url: ${server.address} }
profiles:
  only:
    groups:
      main: { port: ${await freePort()}, servers: [inside] }
`,
  })
  return {
    project,
    authority,
    async [Symbol.asyncDispose]() {
      await project[Symbol.asyncDispose]()
      await server[Symbol.asyncDispose]()
      await folder[Symbol.asyncDispose]()
    },
  }
}

test('a server with a certificate of one’s own authority is reached through NODE_EXTRA_CA_CERTS', async () => {
  await using set = await privatelyCertified()
  await set.project.ok(['up', '-d', '--wait'], { NODE_EXTRA_CA_CERTS: set.authority })
  const { url, servers } = await set.project.group('main')
  expect(servers).toMatchObject([{ name: 'inside', state: 'ready' }])
  await using client = await connect(url)
  const answer = await client.callTool({ name: 'inside_echo', arguments: { text: 'over TLS' } })
  expect(answer.content).toEqual([{ type: 'text', text: 'over TLS' }])
})

test('without it the status says what to set', async () => {
  await using set = await privatelyCertified()
  await set.project.ok(['up', '-d'], { NODE_EXTRA_CA_CERTS: '' })
  await expect
    .poll(async () => (await set.project.group('main')).servers, { timeout: 15_000 })
    .toMatchObject([{ state: 'failed', lastError: expect.stringContaining('NODE_EXTRA_CA_CERTS') }])
})
