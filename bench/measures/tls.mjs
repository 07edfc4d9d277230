// A server behind TLS, whose handshakes cost two ways there and back and much CPU.
import { setTimeout as delay } from 'node:timers/promises'
import { startMcpctl } from '../mcpctl.mjs'
import { createCertificate } from '../scenario/certificate.mjs'
import { withClient } from '../scenario/client.mjs'
import { startUpstream } from '../upstream.mjs'

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
  const { url } = await project.proxy('main')
  return withClient(url, async (client) => {
    const call = () => client.call('one_echo', { payload: 'x' })
    // The first call has spare connections opened behind it, once: those are no call's.
    await call()
    await delay(quick ? 200 : 1000)
    const before = (await upstream.counters()).handshakes
    for (let i = 0; i < CALLS; i++) await call()
    const after = (await upstream.counters()).handshakes
    return rowsOf({ untilReady: handshakesWhenListed, idle: before, duringCalls: after - before })
  })
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
      what: `TLS handshakes for each of ${CALLS} calls after the first`,
      value: duringCalls / CALLS,
      unit: '',
      must: { op: '<=', value: 0 },
      aim: { op: '<=', value: 0 },
    },
  ]
}
