import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'

/**
 * Claims, encrypted and authenticated under a key of 32 bytes: a JWE in compact form (RFC 7516, 7.1), of the only kind we
 * make and take, a shared key used directly with A256GCM (RFC 7518, 4.5 and 5.3). The cipher is Node's own. What is left
 * are five texts with dots between, too little for a library, which would be loaded before the first client is answered.
 */

const PROTECTED = Buffer.from('{"alg":"dir","enc":"A256GCM"}').toString('base64url')
const CIPHER = 'aes-256-gcm'
const IV_BYTES = 12
const TAG_BYTES = 16

/** Throws RangeError for a key of another length. */
export function seal(claims: object, key: Uint8Array): string {
  const iv = randomBytes(IV_BYTES)
  const cipher = createCipheriv(CIPHER, key, iv).setAAD(Buffer.from(PROTECTED))
  const sealed = Buffer.concat([cipher.update(JSON.stringify(claims)), cipher.final()])
  return [PROTECTED, '', ...[iv, sealed, cipher.getAuthTag()].map((part) => part.toString('base64url'))].join('.')
}

/** What `seal` was given, as JSON carries it; undefined for whatever this key did not seal, to the letter. */
export function unseal(token: string, key: Uint8Array): unknown {
  const [header, encryptedKey, ...rest] = token.split('.')
  const [iv, sealed, tag, ...more] = rest.map(bytesOf)
  if (header !== PROTECTED || encryptedKey !== '' || more.length > 0) return undefined
  if (iv?.length !== IV_BYTES || sealed === undefined || tag?.length !== TAG_BYTES) return undefined
  try {
    const decipher = createDecipheriv(CIPHER, key, iv).setAAD(Buffer.from(PROTECTED)).setAuthTag(tag)
    return JSON.parse(Buffer.concat([decipher.update(sealed), decipher.final()]).toString())
  } catch {
    // Foreign, broken or forged: all the same to the caller, and nothing to learn for who sent it.
    return undefined
  }
}

/** Undefined for another spelling of the same bytes, which Node would take: one thing sealed is one text. */
function bytesOf(text: string): Buffer | undefined {
  const bytes = Buffer.from(text, 'base64url')
  return bytes.toString('base64url') === text ? bytes : undefined
}
