// A server behind TLS, whose handshakes cost two ways there and back and much CPU.
import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { promisify } from 'node:util'
import { startMcpctl } from '../mcpctl.mjs'
import { withClient } from '../scenario/client.mjs'
import { startUpstream } from '../upstream.mjs'

const run = promisify(execFile)
const CALLS = 200

export const tls = {
  name: 'tls',
  title: 'A server behind TLS',
  run: measure,
}

async function measure({ quick, own }) {
  const certificate = await own(createCertificate())
  const upstream = await own(startUpstream({ tls: certificate }))
  const project = await own(
    startMcpctl({
      servers: { one: { url: upstream.url } },
      groups: { main: { servers: ['one'] } },
      env: { NODE_EXTRA_CA_CERTS: certificate.certFile },
    }),
  )
  const { handshakesWhenListed } = await upstream.counters()
  // What is opened behind readiness (a stream, spare connections) is no call's.
  await delay(quick ? 200 : 1000)
  const before = (await upstream.counters()).handshakes
  const { url } = await project.proxy('main')
  await withClient(url, async (client) => {
    for (let i = 0; i < CALLS; i++) await client.call('one_echo', { payload: 'x' })
  })
  const after = (await upstream.counters()).handshakes
  return rowsOf({ untilReady: handshakesWhenListed, idle: before, duringCalls: after - before })
}

/** One of its own, for this machine alone, good for a day. */
async function createCertificate() {
  const folder = await mkdtemp(join(tmpdir(), 'mcpctl-bench-'))
  const keyFile = join(folder, 'key.pem')
  const certFile = join(folder, 'cert.pem')
  const configFile = join(folder, 'openssl.cnf')
  await writeFile(configFile, '[req]\ndistinguished_name=name\n[name]\n')
  const subject = ['-subj', '/CN=127.0.0.1', '-addext', 'subjectAltName=IP:127.0.0.1']
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-keyout', keyFile]
  await run('openssl', ['req', '-x509', '-config', configFile, ...key, ...subject, '-days', '1', '-out', certFile])
  return { keyFile, certFile, stop: () => rm(folder, { recursive: true, force: true }) }
}

function rowsOf({ untilReady, idle, duringCalls }) {
  return [
    {
      id: 'tls-until-ready',
      what: 'TLS handshakes until the list of the server',
      value: untilReady,
      unit: '',
      must: { op: '<=', value: 2 },
      aim: { op: '<=', value: 1 },
      details: { afterwards: idle - untilReady },
    },
    {
      id: 'tls-each-call',
      what: `TLS handshakes for each of ${CALLS} calls`,
      value: duringCalls / CALLS,
      unit: '',
      must: { op: '<=', value: 0 },
      aim: { op: '<=', value: 0 },
    },
  ]
}
