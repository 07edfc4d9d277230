import { expect } from 'vitest'
import { waitFor } from '../helpers/wait.ts'
import type { MatrixClient } from './clients.ts'

export interface Scene {
  readonly client: MatrixClient
  /** What the address calls the server's tools. */
  readonly shown: Shown
  /** The server's resource. */
  readonly note: string
}

type Shown = (own: string) => string

/** What every pair of a client and a server must be able to do. */
export async function runScenario({ client, shown, note }: Scene): Promise<void> {
  await listAndCall(client, shown)
  await hearProgress(client, shown)
  await cancel(client, shown)
  expect(await client.call(shown('elicit'))).toBe('Ada')
  expect(await client.call(shown('sample'))).toBe('as you like')
  await followChanges({ client, shown, note })
}

async function listAndCall(client: MatrixClient, shown: Shown): Promise<void> {
  expect(await client.tools()).toEqual(expect.arrayContaining([shown('echo'), shown('elicit')]))
  expect(await client.call(shown('echo'), { a: ['ü', null] })).toBe('{"a":["ü",null]}')
}

async function hearProgress(client: MatrixClient, shown: Shown): Promise<void> {
  const heard: number[] = []
  const onprogress = ({ progress }: { readonly progress: number }) => void heard.push(progress)
  expect(await client.call(shown('progress'), {}, { onprogress })).toBe('done')
  expect(heard).toEqual([1, 2, 3])
}

/** Taken back once the server has begun: it must hear of it. */
async function cancel(client: MatrixClient, shown: Shown): Promise<void> {
  const before = Number(await client.call(shown('cancellations')))
  const over = new AbortController()
  const call = client.call(shown('slow'), {}, { signal: over.signal, onprogress: () => over.abort() })
  await expect(call).rejects.toThrow()
  await waitFor(async () => Number(await client.call(shown('cancellations'))) === before + 1)
}

async function followChanges({ client, shown, note }: Scene): Promise<void> {
  await client.follow(note)
  await client.call(shown('update'), { uri: note })
  await waitFor(() => client.updated().includes(note))
  const name = `grown-${(await client.tools()).length}`
  await client.call(shown('grow'), { name })
  await waitFor(() => client.toolChanges() > 0)
  await waitFor(async () => (await client.tools()).includes(shown(name)))
}
