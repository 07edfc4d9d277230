import { createLocalJWKSet, errors, type FlattenedJWSInput, type JSONWebKeySet, type JWSHeaderParameters } from 'jose'
import { messageOf } from '../../shared/errors.ts'

export interface KeysOptions {
  readonly url: string
  /** In milliseconds since 1970. */
  readonly now: () => number
  /** How long an answer may take, in milliseconds. */
  readonly patience: number
}

/** The keys could not be fetched: nothing can be said of any token. */
export class KeysUnreachable extends Error {
  override readonly name = 'KeysUnreachable'
}

type Find = ReturnType<typeof createLocalJWKSet>

/** How long a set is good without being looked at again. */
const FRESH_MS = 10 * 60_000
/** A key that is not in the set may be newer than the set, but not again and again. */
const COOLDOWN_MS = 30_000
/** After a failure nobody is asked for so long, however many come. */
const REST_MS = 2000
const MOST_BYTES = 1024 * 1024

/** The keys an issuer publishes (RFC 7517), fetched when they are needed and kept for a while. */
export class Keys {
  readonly #options: KeysOptions
  #find: Find | undefined
  #fetchedAt = Number.NEGATIVE_INFINITY
  #failure: { readonly error: KeysUnreachable; readonly at: number } | undefined
  #fetching: Promise<Find> | undefined

  constructor(options: KeysOptions) {
    this.#options = options
  }

  /** The key of a token. Rejects with KeysUnreachable, or with what `jose` says when there is none. */
  async find(header: JWSHeaderParameters, input: FlattenedJWSInput) {
    const known = await this.#known()
    try {
      return await known(header, input)
    } catch (error) {
      if (!(error instanceof errors.JWKSNoMatchingKey) || this.#age < COOLDOWN_MS) throw error
      const newer = await this.#fetch()
      return newer(header, input)
    }
  }

  get #age(): number {
    return this.#options.now() - this.#fetchedAt
  }

  #known(): Find | Promise<Find> {
    return this.#find && this.#age < FRESH_MS ? this.#find : this.#fetch()
  }

  /** Once for all who need them. */
  #fetch(): Promise<Find> {
    const { now } = this.#options
    if (this.#failure && now() - this.#failure.at < REST_MS) return Promise.reject(this.#failure.error)
    this.#fetching ??= fetchKeys(this.#options)
      .then(
        (keys) => this.#took(keys),
        (cause: unknown) => this.#failed(cause),
      )
      .finally(() => {
        this.#fetching = undefined
      })
    return this.#fetching
  }

  #took(keys: Find): Find {
    this.#find = keys
    this.#fetchedAt = this.#options.now()
    this.#failure = undefined
    return keys
  }

  #failed(cause: unknown): never {
    const error = new KeysUnreachable(`the keys of the issuer cannot be had: ${messageOf(cause)}`, { cause })
    this.#failure = { error, at: this.#options.now() }
    throw error
  }
}

/** From nowhere else than the profile says: redirects are not followed. */
async function fetchKeys({ url, patience }: KeysOptions): Promise<Find> {
  const headers = { accept: 'application/jwk-set+json, application/json' }
  const response = await fetch(url, { headers, redirect: 'error', signal: AbortSignal.timeout(patience) })
  if (!response.ok) throw new Error(`HTTP ${response.status}`)
  return createLocalJWKSet(JSON.parse(await bounded(response)) as JSONWebKeySet)
}

async function bounded({ body }: Response): Promise<string> {
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of body ?? []) {
    size += chunk.byteLength
    if (size > MOST_BYTES) throw new Error(`more than ${MOST_BYTES} bytes`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString()
}
