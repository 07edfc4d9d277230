import { createHash } from 'node:crypto'
import { kinds } from '../upstream/listing.ts'
import type { Offer } from './offer.ts'

const LENGTH = 16

/** Made once per offer: an offer that did not change is the same object. */
const digests = new WeakMap<Offer, string>()

/**
 * What a group lists, as one word: equal for equal lists, also after a restart, and another one when anything that
 * clients are shown of a server's lists is other than before.
 */
export function epochOf(offers: readonly Offer[]): string {
  const all = createHash('sha256')
  for (const offer of offers) all.update(digestOf(offer))
  return all.digest('base64url').slice(0, LENGTH)
}

function digestOf(offer: Offer): string {
  const known = digests.get(offer)
  if (known !== undefined) return known
  const { server, listing, items } = offer
  const lists = kinds.map((kind) => [
    items[kind].flatMap(({ shown, item, isBlocked }) => (isBlocked ? [] : [[shown, item]])),
    listing?.frames[kind].extra,
  ])
  const digest = createHash('sha256')
    .update(JSON.stringify([server, lists]))
    .digest('base64url')
  digests.set(offer, digest)
  return digest
}
