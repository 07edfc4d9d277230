import { expect, test } from 'vitest'
import { startFixture } from '../../helpers/fixture.ts'
import { tempFolder } from '../../helpers/temp.ts'
import { certify, connectElsewhere } from './tls.ts'

test.each([
  { title: 'trusts a server through the authority NODE_EXTRA_CA_CERTS names', host: 'localhost', trusted: true },
  { title: 'U-26 refuses a server nobody vouches for', host: 'localhost', trusted: false },
  { title: 'U-26 refuses a server with the name of another', host: 'elsewhere.test', trusted: true },
])('$title', async ({ host, trusted }) => {
  await using folder = await tempFolder()
  const { cert, key, authority } = await certify(folder.path, host)
  await using server = await startFixture('http', [], { CERT: cert, KEY: key })
  const outcome = await connectElsewhere(server.address, trusted ? { NODE_EXTRA_CA_CERTS: authority } : {})
  expect(outcome).toEqual(expectedFor(host, trusted))
})

function expectedFor(host: string, trusted: boolean): { state: string; lastError: string | null } {
  if (host !== 'localhost') {
    const hint = 'use the host name the certificate is for in "url"'
    return { state: 'failed', lastError: `the certificate is for another host name (${hint})` }
  }
  if (trusted) return { state: 'ready', lastError: null }
  const hint = 'let NODE_EXTRA_CA_CERTS name the file of the certificate authority'
  return { state: 'failed', lastError: `the certificate is not trusted: UNABLE_TO_VERIFY_LEAF_SIGNATURE (${hint})` }
}
