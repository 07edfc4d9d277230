import { afterAll, beforeAll, describe, test } from 'vitest'
import { type FixtureProcess, fixturePath, startFixture } from '../helpers/fixture.ts'
import { groupOf, serverOf } from '../helpers/group.ts'
import { type HeldSocket, holdSocket, type RunningProxy, startReadyProxy } from '../helpers/proxy.ts'
import { type ClientKind, clientKinds, connectClient } from './clients.ts'
import { runScenario } from './scenario.ts'

const serverKinds = ['1', '2 dual', '2 modern', '2 legacy'] as const
type ServerKind = (typeof serverKinds)[number]
type Pair = { readonly client: ClientKind; readonly server: ServerKind }

const pairs: readonly Pair[] = clientKinds.flatMap((client) => serverKinds.map((server) => ({ client, server })))

/** What can talk without anything in between. */
const direct = pairs.filter(
  ({ client, server }) =>
    !(server === '2 modern' && (client === '1' || client === '2 legacy')) &&
    !(client === '2 modern' && (server === '1' || server === '2 legacy')),
)

function startServer(kind: ServerKind): Promise<FixtureProcess> {
  return startFixture(fixtureOf(kind), ['http', ...modeOf(kind)], { NOTE: noteOf(nameOf(kind, 'http')) })
}

function noteOf(name: string): string {
  return `note://${name}/1`
}

function fixtureOf(kind: ServerKind): string {
  return kind === '1' ? 'sdk-1' : 'sdk-2'
}

function modeOf(kind: ServerKind): readonly string[] {
  return kind === '1' ? [] : [kind.slice(2)]
}

describe('without the proxy', () => {
  test.each(direct)(
    'a client of SDK $client does everything with a server of SDK $server',
    async ({ client, server }) => {
      await using fixture = await startServer(server)
      await using connected = await connectClient(client, fixture.address)
      await runScenario({ client: connected, shown: (own) => own, note: noteOf(nameOf(server, 'http')) })
    },
  )
})

describe('through the proxy', () => {
  const fixtures: FixtureProcess[] = []
  let socket: HeldSocket
  let proxy: RunningProxy

  beforeAll(async () => {
    fixtures.push(...(await Promise.all(serverKinds.map(startServer))))
    const servers = serverKinds.flatMap((kind, i) => [
      serverOf(nameOf(kind, 'http'), {
        transport: { kind: 'http', url: fixtures[i]?.address ?? '', headers: {} },
        protocol: kind === '2 modern' ? 'modern' : 'auto',
      }),
      serverOf(nameOf(kind, 'stdio'), {
        transport: {
          kind: 'stdio',
          command: process.execPath,
          args: [fixturePath(fixtureOf(kind)), 'stdio', ...modeOf(kind)],
          env: { NOTE: noteOf(nameOf(kind, 'stdio')) },
          cwd: '/',
        },
        protocol: kind === '2 modern' ? 'modern' : 'auto',
      }),
    ])
    socket = await holdSocket()
    proxy = await startReadyProxy({ group: groupOf(servers), socket })
  })

  afterAll(async () => {
    await proxy[Symbol.asyncDispose]()
    socket[Symbol.dispose]()
    for (const fixture of fixtures) await fixture[Symbol.asyncDispose]()
  })

  const transports = ['http', 'stdio'] as const
  test.each(pairs.flatMap((pair) => transports.map((transport) => ({ ...pair, transport }))))(
    'a client of SDK $client does everything with a server of SDK $server over $transport',
    async ({ client, server, transport }) => {
      const name = nameOf(server, transport)
      await using connected = await connectClient(client, `${proxy.url}/servers/${name}/mcp`)
      await runScenario({ client: connected, shown: (own) => own, note: noteOf(name) })
    },
  )

  test.each(pairs.flatMap((pair) => transports.map((transport) => ({ ...pair, transport }))))(
    'and on the group’s address: client $client, server $server, $transport',
    async ({ client, server, transport }) => {
      const name = nameOf(server, transport)
      await using connected = await connectClient(client, `${proxy.url}/mcp`)
      await runScenario({ client: connected, shown: (own) => `${name}_${own}`, note: noteOf(name) })
    },
  )
})

function nameOf(kind: ServerKind, transport: string): string {
  return `sdk-${kind.replace(' ', '-')}-${transport}`
}
